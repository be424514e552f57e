"""Claims are programs: every number in an issue or a doc has a script here."""
