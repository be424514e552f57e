"""The tables of judges."""
