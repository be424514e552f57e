"""The `abcd` format: customer-service dialogues with agent actions, and guidelines in prose."""
