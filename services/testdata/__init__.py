"""Test data: API traces with known truth."""
