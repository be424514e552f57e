"""Contexts: what a domain says about one entity, workflow and scenario, merged with what a caller asks."""
