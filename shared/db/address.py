"""Reads the address of a database as PostgreSQL's own programs (libpq) write it, and says why one cannot be used."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import structlog
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from shared.db.faults import chain
from shared.errors import FailedPrecondition


class DatabaseRefused(FailedPrecondition):
    """The database cannot be used: {problem}."""

    reason = "DATABASE_REFUSED"

    def __init__(self, problem: str) -> None:
        super().__init__(problem=problem)


_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl", "passfile")
# asyncpg reads these as libpq does.
_TLS = ("sslmode", *_FILES, "sslpassword", "ssl_min_protocol_version", "ssl_max_protocol_version")
_DRIVER = (*_TLS, "sslnegotiation", "target_session_attrs", "krbsrvname", "gsslib")
_SESSION = ("application_name", "options", "search_path")
_NUMBERS = ("prepared_statement_cache_size", "statement_cache_size")
_WHO = {"user": "username", "password": "password", "dbname": "database"}
_IGNORED = (
    *("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout", "sslsni"),
    *("channel_binding", "gssencmode", "client_encoding", "sslcompression", "fallback_application_name"),
)
_KNOWN = (*_DRIVER, *_SESSION, *_NUMBERS, *_WHO, *_IGNORED, "host", "port", "ssl", "connect_timeout")

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Address:
    """The address of a database.

    url: without the options that only the driver reads.
    arguments: the driver's arguments in addition to the URL.
    session: parameters that each session on the server begins with.
    """

    url: URL
    arguments: Mapping[str, Any] = field(repr=False)
    session: Mapping[str, str]

    @property
    def sqlite(self) -> bool:
        """True if the database is an SQLite file."""
        return self.url.get_backend_name() == "sqlite"


def read_address(text: str) -> Address:
    """Parse `postgresql://…`, with or without a driver's name, or `sqlite+aiosqlite:///path`.

    Raises DatabaseRefused, which never contains the address.
    """
    scheme, found, rest = text.strip().partition("://")
    if scheme == "sqlite+aiosqlite":
        return Address(make_url(text.strip()), {}, {})
    if not found or scheme.partition("+")[0] not in ("postgresql", "postgres"):
        raise DatabaseRefused("its address must begin with postgresql://")
    url = _parsed(rest)
    options = {name: value if isinstance(value, str) else value[-1] for name, value in url.query.items()}
    if any(name not in _KNOWN for name in options):
        raise DatabaseRefused(f"its address has an option that is not known; known are {', '.join(sorted(_KNOWN))}")
    if (ssl := options.pop("ssl", None)) is not None:
        options.setdefault("sslmode", {"true": "require", "false": "disable"}.get(ssl, ssl))
    _check(options)
    if ignored := sorted(name for name in options if name in _IGNORED):
        _log.warning("options in the database's address have no effect here", options=ignored)
    driver = {name: value for name, value in options.items() if name in _DRIVER}
    arguments: dict[str, Any] = {"dsn": f"postgresql://?{urlencode(driver)}"} if driver else {}
    arguments |= {name: int(options[name]) for name in _NUMBERS if name in options}
    if (seconds := float(options.get("connect_timeout", 0))) > 0:
        arguments["timeout"] = seconds
    who = {ours: options[theirs] for theirs, ours in _WHO.items() if theirs in options}
    kept = {name: value for name, value in url.query.items() if name in ("host", "port")}
    session = {name: options[name] for name in _SESSION if name in options}
    return Address(url.set(query=kept, **who), arguments, session)  # type: ignore[arg-type]


def _parsed(rest: str) -> URL:
    before, at, _ = rest.partition("?")[0].rpartition("@")
    authority = rest[len(before) + len(at) :]
    hosts, slash, path = authority.partition("/")
    hosts, question, query = hosts.partition("?")
    if "," in hosts:
        # SQLAlchemy takes several hosts as options only.
        several = "&".join(f"host={host}" if ":" in host else f"host={host}:5432" for host in hosts.split(","))
        path, _, options = f"{slash}{path}{question}{query}".partition("?")
        rest = f"{before}{at}{path or '/'}?{several}{'&' if options else ''}{options}"
    try:
        url = make_url(f"postgresql+asyncpg://{rest}")
        names = url.query.get("host", ())
        ports = [host.rpartition(":")[2] for host in ([names] if isinstance(names, str) else names) if ":" in host]
        asked = url.query.get("port", ())
        ports += [asked] if isinstance(asked, str) else asked
        ports += [] if url.port is None else [str(url.port)]
        if any(not 0 < int(port) < 65536 for port in ports):
            raise ValueError
    except (ArgumentError, ValueError) as error:
        problem = "the port in its address must be a number from 1 to 65535, and characters such as @ : / ? # in the "
        raise DatabaseRefused(f"{problem}password must be written as %40 %3A %2F %3F %23") from error
    if "@" in (url.host or ""):
        raise DatabaseRefused("an @ in the password of its address must be written as %40")
    return url


def _check(options: Mapping[str, str]) -> None:
    if options.get("sslmode", "prefer") not in _MODES:
        raise DatabaseRefused(f"sslmode in its address must be one of {', '.join(_MODES)}")
    for name in _FILES:
        if name in options and options[name] != "system" and not Path(options[name]).is_file():
            raise DatabaseRefused(f"{name} in its address must be a file that exists")
    for name in (*_NUMBERS, "connect_timeout"):
        if not options.get(name, "0").isdigit():
            raise DatabaseRefused(f"{name} in its address must be a whole number")


# The problem by SQLSTATE (PostgreSQL manual, appendix A).
_PROBLEMS = {
    "28P01": "the server refuses the user or the password",
    "28000": "the server does not let this user in from here, or not without TLS; look at its pg_hba.conf",
    "3D000": "the server has no database of that name; create it first",
    "42501": "the user lacks a right in the database; it must be able to create tables",
    "42704": "its address sets a parameter that the server does not know",
    "22023": "its address sets a parameter to a value that the server does not take",
    "3F000": "the user's search_path names no schema that exists",
    "25006": "the server is read-only, such as a replica; name the primary",
    "0A000": "the server lacks something that Greenroom needs; it must be PostgreSQL 13 or later",
}
_CONFIGURATION = ("ClientConfigurationError", "InternalClientError")


def problem_of(error: BaseException) -> str | None:
    """Why a database refuses every attempt with this address; None if another attempt may succeed."""
    for link in chain(error):
        if (problem := _PROBLEMS.get(str(getattr(link, "sqlstate", "")))) is not None:
            return problem
        if "rejected SSL upgrade" in str(link):
            return "the server has no TLS, which sslmode in its address asks for"
        if type(link).__name__ in ("SSLCertVerificationError", "CertificateError"):
            return "the certificate of the server is not signed by a known authority or names another host"
        if type(link).__name__ in _CONFIGURATION:
            return "its address has an option with a value that cannot be used"
        if type(link).__name__ == "SSLError":
            return "TLS with the server failed; look at the ssl options in its address"
    return None
