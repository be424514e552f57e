"""Scores one conversation: a pure library that the evaluator's worker processes run."""
