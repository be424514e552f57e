"""Logs: their formats, and a reader of each."""
