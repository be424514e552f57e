"""Stores generations, patterns and templates."""
