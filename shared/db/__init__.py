"""The store, on SQLite and PostgreSQL: the event log with its group-commit writer, tails and wake-ups."""
