"""Learnings: workflows learned from logs."""
