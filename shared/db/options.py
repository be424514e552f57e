"""What an operator may change about a database."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DatabaseOptions:
    """The settings of the same names, `GREENROOM_DATABASE_…`, say what each is."""

    connections: int = 4
    connect_seconds: float = 5.0
    statement_seconds: float = 30.0
    lock_seconds: float = 2.0
    poll_seconds: float = 1.0
