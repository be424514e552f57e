"""Judges: models that answer the criteria of a rubric, and how far people agree with them."""
