"""Batches: many conversations started by one request."""
