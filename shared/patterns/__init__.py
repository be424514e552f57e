"""Patterns that users write, in RE2's syntax: found in texts, read, and turned into automata."""

from shared.patterns.search import BadPattern, Pattern, compile_pattern

__all__ = ["BadPattern", "Pattern", "compile_pattern"]
