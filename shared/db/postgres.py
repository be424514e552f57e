"""A PostgreSQL connection outside the pools, for LISTEN and session locks, which end with their connection."""

from collections.abc import Mapping
from typing import Any

import asyncpg  # type: ignore[import-untyped]

from shared.db.address import Address
from shared.db.options import DatabaseOptions

# The server notices within half a minute that a client is gone, and frees its locks.
_KEEPALIVE = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}


Connection = Any
"""An asyncpg.Connection; the library has no types."""

CONNECTION_ERRORS = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""Raised by connecting, and by any use of a lost connection; the last one if it is lost during a statement."""


async def connect(address: Address, options: DatabaseOptions) -> Connection:
    """Connect to a database; raises one of CONNECTION_ERRORS."""
    _, arguments = address.url.get_dialect()().create_connect_args(address.url)
    more = connect_arguments(address, options, _KEEPALIVE)
    # SQLAlchemy removes this argument; asyncpg does not know it.
    more.pop("prepared_statement_cache_size", None)
    return await asyncpg.connect(**arguments, **more)


def connect_arguments(address: Address, options: DatabaseOptions, session: Mapping[str, str]) -> dict[str, Any]:
    """The driver's arguments in addition to the URL. session: parameters that the session begins with."""
    return {
        "timeout": options.connect_seconds,
        "command_timeout": options.statement_seconds,
        "server_settings": {"application_name": "greenroom", **session, **address.session},
        **address.arguments,
    }
