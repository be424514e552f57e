"""The `star` format: dialogues with calls of an API, and task graphs."""
