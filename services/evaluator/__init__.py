"""The evaluator: scores of conversations, and reports about them."""
