"""Helpers of the commands: running them, specs, tables, progress, files."""
