"""Domains: what businesses know, as packs in revisions."""
