"""Trace workflows: the chains that traces are generated from."""
