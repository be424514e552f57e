"""SQLite's query plans for the queries of a store."""

import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event


async def plans(path: Path, ask: Callable[[], Awaitable[object]]) -> str:
    """The plans of all queries that `ask` sends to the database at `path`."""
    made: list[tuple[str, Any]] = []

    def note(conn: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        # Servers of other tests in this process have databases of their own.
        if statement.startswith("SELECT") and str(path) in str(conn.engine.url):
            made.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        await ask()
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    with sqlite3.connect(path) as conn:
        return "\n".join(
            row[3] for statement, values in made for row in conn.execute(f"EXPLAIN QUERY PLAN {statement}", values)
        )
