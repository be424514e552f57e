"""Imports and exports: files that are streamed in and out, for all nouns that have files."""
