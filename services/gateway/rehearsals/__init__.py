"""Rehearsals: conversations, their evaluation and the report from one spec."""
