"""Evaluations: the scores of a batch's conversations, of sources, or of conversations by name."""
