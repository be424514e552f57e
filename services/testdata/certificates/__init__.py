"""Certificates: what was learned, compared with the truth."""
