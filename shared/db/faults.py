"""Tells errors of an unavailable store from errors of a wrong statement."""

import sqlite3
from collections.abc import Iterator

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from shared.errors import DataLoss, GreenroomError, Unavailable


class StoreUnavailable(Unavailable):
    """The store cannot be read or written now; stored data is safe, so try again."""

    reason = "STORE_UNAVAILABLE"


class StoreDamaged(DataLoss):
    """The database {file} is damaged or no database; restore a backup, or move it away to start with an empty one."""

    reason = "STORE_DAMAGED"


# SQLite raises OperationalError for a missing table too, so only the result code tells them apart.
_SQLITE = {
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
}

_SQLITE_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}

# SQLSTATE classes and codes (PostgreSQL manual, appendix A): connection, resources, operator intervention, system
# errors; changed passwords, dropped databases, lock timeouts, deadlocks.
_DEADLOCK = "40P01"
_POSTGRES = ("08", "28", "3D000", "53", "57", "58", "55P03", _DEADLOCK)
_POSTGRES_DAMAGED = ("XX001", "XX002")


def is_unavailable(error: BaseException) -> bool:
    """True if the error, or one that caused it, means that the store is full, locked, broken or unreachable."""
    return is_damaged(error) or any(_is_fault(link) for link in chain(error))


def is_damaged(error: BaseException) -> bool:
    """True if the error means that the database is damaged, or that an SQLite file is none."""
    return any(
        (getattr(link, "sqlite_errorcode", None) or 0) & 0xFF in _SQLITE_DAMAGED
        or getattr(link, "sqlstate", None) in _POSTGRES_DAMAGED
        or (isinstance(link, sqlite3.Error) and "Could not decode to UTF-8" in str(link))
        for link in chain(error)
    )


def store_error(error: BaseException, file: str) -> GreenroomError | None:
    """What to tell a caller about an error of the store; None if the statement was wrong. file: of an SQLite store."""
    if is_damaged(error):
        return StoreDamaged(file=file)
    return StoreUnavailable() if is_unavailable(error) else None


def is_deadlock(error: BaseException) -> bool:
    """True if the error means that the transaction lost a deadlock: run it again."""
    return any(getattr(link, "sqlstate", None) == _DEADLOCK for link in chain(error))


def _is_fault(error: BaseException) -> bool:
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    # Drivers raise these for a refused connection, a missing socket and a statement that timed out.
    if isinstance(error, OSError | StoreUnavailable | PoolTimeout):
        return True
    code = getattr(error, "sqlite_errorcode", None)
    state = getattr(error, "sqlstate", None)
    if code is not None:
        return code & 0xFF in _SQLITE
    return isinstance(state, str) and state.startswith(_POSTGRES)


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and the errors that caused it."""
    seen: set[int] = set()
    # A failed statement can end the transaction. The rollback to its savepoint then raises another error.
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        if isinstance(error, DBAPIError) and error.orig is not None:
            yield error.orig
        context = error.__context__ if isinstance(error.__context__, DBAPIError) else None
        error = error.__cause__ or context
