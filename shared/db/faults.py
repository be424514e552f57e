"""Which errors mean that the store is out of order, as against a statement that was wrong."""

import sqlite3
from collections.abc import Iterator

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from shared.errors import Unavailable


class StoreUnavailable(Unavailable):
    """The store cannot be read or written now; what was stored before is safe, so try again."""

    reason = "STORE_UNAVAILABLE"


# SQLite raises OperationalError for a missing table too, so only its result code tells.
_SQLITE = {
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_NOTADB,
}

_SQLITE_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}

# SQLSTATE classes and codes (PostgreSQL manual, appendix A): connection, resources, operator intervention, system
# errors; lock timeouts, deadlocks, corrupted data and indexes.
_DEADLOCK = "40P01"
_POSTGRES = ("08", "53", "57", "58", "55P03", _DEADLOCK, "XX001", "XX002")


def is_unavailable(error: BaseException) -> bool:
    """Whether error, or one that it arose from, says that the store is full, locked, broken or out of reach."""
    return any(_is_fault(link) for link in _chain(error))


def is_damaged(error: BaseException) -> bool:
    """Whether error says that a SQLite file is not a database, or not a whole one."""
    return any(getattr(link, "sqlite_errorcode", 0) & 0xFF in _SQLITE_DAMAGED for link in _chain(error))


def is_deadlock(error: BaseException) -> bool:
    """Whether error says that another writer's transaction was preferred: the same again will go through."""
    return any(getattr(link, "sqlstate", None) == _DEADLOCK for link in _chain(error))


def _is_fault(error: BaseException) -> bool:
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    # Drivers raise these bare: a refused connection, a missing socket, a statement without an answer in time.
    if isinstance(error, OSError | StoreUnavailable | PoolTimeout):
        return True
    code = getattr(error, "sqlite_errorcode", None)
    state = getattr(error, "sqlstate", None)
    if code is not None:
        return code & 0xFF in _SQLITE
    return isinstance(state, str) and state.startswith(_POSTGRES)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    # A failed statement can end the transaction, and the rollback to its savepoint then fails with another error.
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        if isinstance(error, DBAPIError) and error.orig is not None:
            yield error.orig
        context = error.__context__ if isinstance(error.__context__, DBAPIError) else None
        error = error.__cause__ or context
