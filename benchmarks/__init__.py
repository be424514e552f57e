"""Every number in an issue or a doc is measured by a script in this package."""
