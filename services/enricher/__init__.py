"""The enricher: what businesses know."""
