"""Generates personas from a description, or from what was measured in sources."""
