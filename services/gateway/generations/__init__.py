"""Generations: test data from one request, which is enriched, made, checked, scored and remembered."""
