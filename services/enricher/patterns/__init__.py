"""The history of generations, the patterns of those that succeeded, and templates: patterns with a name."""
