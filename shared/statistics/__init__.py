"""Statistics that several services need, one file a formula. A pure library."""
