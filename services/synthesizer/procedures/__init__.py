"""Procedures: what an agent must do, in revisions."""
