"""The outside world of the evaluator: other services."""
