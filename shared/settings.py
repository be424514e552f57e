"""What every server of Greenroom can be told, read from the environment (`GREENROOM_…`)."""

from pathlib import Path
from typing import Self

from pydantic import Field, FilePath, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.errors import FailedPrecondition
from shared.hosts import is_loopback


class BadSetting(FailedPrecondition):
    """GREENROOM_{name} is not valid: {problem}."""

    reason = "BAD_SETTING"


class UnsafeListening(FailedPrecondition):
    """Greenroom will not listen on {host}, beyond loopback, without {missing}; set what is missing, or GREENROOM_INSECURE=1."""  # noqa: E501

    reason = "UNSAFE_LISTENING"


class IncompleteTls(FailedPrecondition):
    """TLS needs both a certificate and its key; set GREENROOM_TLS_CERT and GREENROOM_TLS_KEY, or neither."""

    reason = "INCOMPLETE_TLS"


class Settings(BaseSettings):
    """What all servers share. A service adds its own fields in a subclass."""

    model_config = SettingsConfigDict(
        env_prefix="GREENROOM_", env_ignore_empty=True, use_attribute_docstrings=True, frozen=True
    )

    data_dir: Path = Path(".greenroom")
    """The folder that holds everything a server keeps on disk."""

    database_url: SecretStr | None = None
    """A PostgreSQL address with its user and password; without one each service keeps SQLite files in `data_dir`."""

    host: str = "127.0.0.1"
    """The name or address to listen on."""

    port: int = Field(default=0, ge=0, le=65535)
    """The port to listen on; 0 takes a free one."""

    tls_cert: FilePath | None = None
    """A PEM file with the server's certificate chain."""

    tls_key: FilePath | None = None
    """A PEM file with the key of `tls_cert`."""

    tls_ca: FilePath | None = None
    """A PEM file with the authorities that vouch for peers' certificates; setting it turns TLS to peers on."""

    jwt_secret: SecretStr | None = None
    """The shared key of HS256 bearer tokens, 32 bytes or more. Set this or `jwt_public_key`, not both."""

    jwt_public_key: FilePath | None = None
    """A PEM file with the public key of RS256 or ES256 bearer tokens."""

    jwt_audience: str | None = None
    """The `aud` that tokens must name; unset, it is not looked at."""

    jwt_issuer: str | None = None
    """The `iss` that tokens must name; unset, it is not looked at."""

    insecure: bool = False
    """Listen beyond loopback although authentication or TLS is missing, as behind a proxy that does both."""

    drain_seconds: float = Field(default=10.0, ge=0)
    """How long calls under way may go on after the server was told to stop."""

    peer_timeout_seconds: float = Field(default=30.0, gt=0)
    """How long a call to a peer may take when it brings no deadline of its own."""

    otlp_endpoint: str | None = None
    """Where traces and metrics go, such as http://127.0.0.1:4317; unset, nowhere. Needs opentelemetry-exporter-otlp."""

    @classmethod
    def read(cls) -> Self:
        """The settings of the environment. Raises BadSetting, which names the variable and never its value."""
        try:
            return cls()
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            name = "_".join(str(part) for part in first["loc"]).upper()
            raise BadSetting(name=name, problem=first["msg"]) from error

    def store_at(self, service: str) -> str:
        """The address of a service's database: PostgreSQL when given, else a file in the data folder."""
        if self.database_url is None:
            return f"sqlite+aiosqlite:///{self.data_dir.absolute() / service}.db"
        return "postgresql+asyncpg://" + self.database_url.get_secret_value().partition("://")[2]

    def make_data_dir(self) -> None:
        """Make the data folder if it is missing, closed to other users; one that is there stays as it is."""
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def authenticates(self) -> bool:
        """Whether callers must bring a token."""
        return self.jwt_secret is not None or self.jwt_public_key is not None

    def check_listening(self) -> None:
        """Hold the rule: loopback, or authentication and TLS, or an explicit flag.

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
            raise UnsafeListening(host=self.host, missing=" and ".join(missing))
