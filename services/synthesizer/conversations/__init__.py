"""Test conversations: how they start, take their turns, and end."""
