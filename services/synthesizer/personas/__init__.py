"""Personas: the simulated users."""
