"""Checks of campaigns without simulation."""
