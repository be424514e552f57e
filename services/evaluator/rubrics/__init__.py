"""Rubrics: what a judge is asked about a conversation."""
