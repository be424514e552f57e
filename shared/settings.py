"""The settings of every server, read from the environment (`GREENROOM_…`)."""

import json
import os
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared.db.address import DatabaseRefused, read_address
from shared.db.options import DatabaseOptions
from shared.errors import FailedPrecondition
from shared.hosts import is_grpc_address, is_loopback
from shared.words import all_of


class BadSetting(FailedPrecondition):
    """GREENROOM_{name} is not valid: {problem}."""

    reason = "BAD_SETTING"


class UnsafeListening(FailedPrecondition):
    """Greenroom will not listen on {host}, beyond loopback, without {missing}; set what is missing, or GREENROOM_INSECURE=1."""  # noqa: E501

    reason = "UNSAFE_LISTENING"


class IncompleteTls(FailedPrecondition):
    """TLS needs both a certificate and its key; set GREENROOM_TLS_CERT and GREENROOM_TLS_KEY, or neither."""

    reason = "INCOMPLETE_TLS"


T = TypeVar("T")

_DATABASE = DatabaseOptions()

_LONGEST = 366 * 24 * 3600.0
"""The most seconds that a setting may have."""


def _items(value: Any) -> Any:
    """The items of a setting with several values: a JSON list, or with commas between them."""
    if not isinstance(value, str):
        return value
    try:
        read = json.loads(value)
    except (ValueError, RecursionError):
        read = [item.strip() for item in value.split(",") if item.strip()]
        # An IPv6 address may be in brackets; any other item with these characters comes from malformed JSON.
        if any(set(item) & set("\"'{}") or (("[" in item or "]" in item) and ":" not in item) for item in read):
            raise ValueError("it must be a JSON list of texts, or texts with commas between them") from None
    if isinstance(read, list):
        return read
    if isinstance(read, dict):
        raise ValueError("it must be a JSON list of texts, or texts with commas between them")
    return [read if isinstance(read, str) else value.strip()]


def _existing(path: Path) -> Path:
    if not os.path.isfile(path):  # noqa: PTH113 - Path.is_file raises an error for a name that is too long
        raise ValueError("it must be a file that exists")
    return path


File = Annotated[Path, AfterValidator(_existing)]
"""The type of a setting that names a file."""


def _address(text: str) -> str:
    if not is_grpc_address(text):
        raise ValueError("it must be host:port, such as 127.0.0.1:9003")
    return text


PeerAddress = Annotated[str, AfterValidator(_address)]
"""The type of a setting with the address of another service: `host:port`, or `dns:///name:port`."""

Many = Annotated[tuple[T, ...], NoDecode, BeforeValidator(_items)]
"""The type of a setting that holds several values, written as a JSON list or with commas between them."""


class EnvironmentSettings(BaseSettings):
    """Settings that are read from the environment. A subclass may have a prefix of its own, as `GREENROOM_ACME_`."""

    model_config = SettingsConfigDict(
        env_prefix="GREENROOM_", env_ignore_empty=True, use_attribute_docstrings=True, frozen=True, allow_inf_nan=False
    )

    @classmethod
    def variable(cls, field: str) -> str:
        """The environment variable of a field."""
        return f"{cls.model_config['env_prefix']}{field}".upper()

    @classmethod
    def read(cls) -> Self:
        """Read the environment. Raises BadSetting, which names the variable and never its value."""
        for field in cls.model_fields:
            if any("\ud800" <= letter <= "\udfff" for letter in os.environ.get(cls.variable(field), "")):
                raise cls._bad(field, "it must be text in UTF-8")
        try:
            settings = cls()
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            raise cls._bad(str(first["loc"][0]), first["msg"].removeprefix("Value error, ")) from None
        for field in cls.model_fields:
            value = getattr(settings, field)
            if isinstance(value, float) and value > _LONGEST:
                raise cls._bad(field, "it must be at most a year in seconds")
        return settings

    @classmethod
    def _bad(cls, field: str, problem: str) -> BadSetting:
        return BadSetting(name=cls.variable(field).removeprefix("GREENROOM_"), problem=problem)


class Settings(EnvironmentSettings):
    """The settings that all servers share. A service adds its own fields in a subclass.

    takes_peers: False for servers that face callers; they refuse peer credentials.
    """

    takes_peers: ClassVar[bool] = True

    data_dir: Path = Path(".greenroom")
    """The folder that holds everything a server keeps on disk."""

    database_url: SecretStr | None = None
    """A PostgreSQL address with its user and password; without one each service keeps SQLite files in `data_dir`."""

    database_connections: int = Field(default=_DATABASE.connections, ge=1, le=64)
    """How many connections read at once. One more writes; PostgreSQL has two more, for wake-ups and the jobs' lock."""

    database_connect_seconds: float = Field(default=_DATABASE.connect_seconds, gt=0)
    """How long PostgreSQL may take to accept a connection, or to answer the process that holds the jobs' lock."""

    database_statement_seconds: float = Field(default=_DATABASE.statement_seconds, gt=0)
    """How long PostgreSQL may take for one statement before the store counts as unavailable."""

    database_lock_seconds: float = Field(default=_DATABASE.lock_seconds, gt=0)
    """How long a statement waits for a lock of another process before the store counts as unavailable."""

    database_check_seconds: float = Field(default=2.0, ge=0)
    """How long a start looks for damage in an SQLite file; 0 does not look."""

    database_poll_seconds: float = Field(default=_DATABASE.poll_seconds, gt=0)
    """How often jobs and watchers poll for changes, in case a wake-up is lost."""

    job_retry_seconds: float = Field(default=30.0, gt=0)
    """The longest pause before a job that failed runs again; the first is 0.2 s, and each doubles."""

    host: str = "127.0.0.1"
    """The name or address to listen on."""

    port: int = Field(default=0, ge=0, le=65535)
    """The port to listen on; 0 takes a free one."""

    tls_cert: File | None = None
    """A PEM file with the server's certificate chain."""

    tls_key: File | None = None
    """A PEM file with the key of `tls_cert`."""

    tls_ca: File | None = None
    """A PEM file with the authorities that sign peers' certificates; if set, calls to peers use TLS."""

    jwt_secret: SecretStr | None = None
    """The shared key of HS256 bearer tokens, 32 bytes or more. Set this or `jwt_public_key`, not both."""

    jwt_public_key: File | None = None
    """A PEM file with the public key of RS256 or ES256 bearer tokens."""

    jwt_audience: str | None = None
    """The `aud` that tokens must have; unset, it is not checked."""

    jwt_issuer: str | None = None
    """The `iss` that tokens must have; unset, it is not checked."""

    house_key: SecretStr | None = None
    """The key with which services act for callers among each other, 32 random bytes or more, the same for all of them.
    Jobs of a service that calls others need it where callers authenticate; `greenroom up` makes its own."""

    insecure: bool = False
    """Listen beyond loopback without authentication or TLS; for a server behind a proxy that does both."""

    keepalive_seconds: float = Field(default=60.0, ge=10)
    """How often a connection without traffic is pinged; shorten it for a proxy that closes idle connections."""

    client_ping_seconds: float = Field(default=10.0, ge=1)
    """How often clients may ping; one that pings more often is disconnected with `too_many_pings`."""

    overload_seconds: float = Field(default=0.5, gt=0)
    """Health reports NOT_SERVING while the event loop wakes up later than this."""

    drain_seconds: float = Field(default=10.0, ge=0)
    """How long calls under way may continue after the server was asked to stop."""

    peer_timeout_seconds: float = Field(default=30.0, gt=0)
    """The deadline of a call to a peer that has none; a stream ends when its peer is silent and unhealthy for as long.
    """

    otlp_endpoint: str | None = None
    """The address to send traces and metrics to, such as http://127.0.0.1:4317. Needs opentelemetry-exporter-otlp."""

    def store_at(self, service: str) -> str:
        """The address of a service's database: `<service>_database_url`, else `database_url`, else a SQLite file.

        Raises BadSetting for an address that cannot be used.
        """
        url = self._store(service)[1]
        if url is None:
            return f"sqlite+aiosqlite:///{self.data_dir.absolute() / service}.db"
        try:
            read_address(url.get_secret_value())
        except DatabaseRefused as refused:
            raise self.refused_store(service, refused) from None
        return url.get_secret_value().strip()

    def refused_store(self, service: str, refused: DatabaseRefused) -> BadSetting:
        """The error that names the setting with the address of a service's database."""
        return BadSetting(name=self._store(service)[0], problem=refused.details["problem"])

    def _store(self, service: str) -> tuple[str, SecretStr | None]:
        own = f"{service}_database_url"
        if (url := getattr(self, own, None)) is not None:
            return own.upper(), url
        return "DATABASE_URL", self.database_url

    @property
    def database(self) -> DatabaseOptions:
        """The options to open the database with."""
        return DatabaseOptions(
            connections=self.database_connections,
            connect_seconds=self.database_connect_seconds,
            statement_seconds=self.database_statement_seconds,
            lock_seconds=self.database_lock_seconds,
            poll_seconds=self.database_poll_seconds,
        )

    def make_data_dir(self) -> None:
        """Create the data folder, closed to other users, if it does not exist.

        Raises BadSetting if it cannot be used.
        """
        try:
            self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise BadSetting(name="DATA_DIR", problem="it must be a folder, or one that can be created") from error
        if not os.access(self.data_dir, os.W_OK | os.X_OK):
            raise BadSetting(name="DATA_DIR", problem="the folder cannot be written to")

    @property
    def authenticates(self) -> bool:
        """True if callers must send a token."""
        return self.jwt_secret is not None or self.jwt_public_key is not None

    def check_listening(self) -> None:
        """Allow loopback, or authentication and TLS, or an explicit flag.

        Raises IncompleteTls, UnsafeListening.
        """
        if (self.tls_cert is None) != (self.tls_key is None):
            raise IncompleteTls
        missing = []
        if not self.authenticates:
            missing.append("authentication (GREENROOM_JWT_SECRET or GREENROOM_JWT_PUBLIC_KEY)")
        if self.tls_cert is None:
            missing.append("TLS (GREENROOM_TLS_CERT and GREENROOM_TLS_KEY)")
        if missing and not self.insecure and not is_loopback(self.host):
            raise UnsafeListening(host=self.host, missing=all_of(missing))
