"""The outside world: agents, models and file formats."""
