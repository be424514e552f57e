"""A PostgreSQL connection outside the pools, for what lives as long as its connection: LISTEN and session locks."""

from typing import Any

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import URL

CONNECT_TIMEOUT = 5.0
STATEMENT_TIMEOUT = 30.0

# So that the server, too, finds out within half a minute that a silent client is gone, and frees its locks.
KEEPALIVE = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}


Connection = Any
"""An asyncpg.Connection; the library has no types."""

CONNECTION_ERRORS = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What connecting, and any use of a connection that is lost, raises; the last one if it is lost within a statement."""


async def connect(url: URL) -> Connection:
    """Connect to the database of a SQLAlchemy URL; raises one of CONNECTION_ERRORS."""
    _, arguments = url.get_dialect()().create_connect_args(url)
    return await asyncpg.connect(
        **arguments,
        timeout=CONNECT_TIMEOUT,
        command_timeout=STATEMENT_TIMEOUT,
        server_settings={"application_name": "greenroom", **KEEPALIVE},
    )
