"""Calibrations: how far personas are from the people of real conversations, and in which trait."""
