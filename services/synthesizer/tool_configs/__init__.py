"""Tool configs: what each tool answers in a conversation."""
