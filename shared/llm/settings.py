"""The settings of models: those of their providers, and of what stands around every provider."""

import json
import os
import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

from shared.hosts import is_loopback
from shared.settings import EnvironmentSettings, File, Many, Settings

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[ -~]*")


def _address(text: str) -> str:
    try:
        parts = urlsplit(text.strip())
        more = parts.username or parts.query or parts.fragment or parts.port == 0
        valid = parts.scheme in ("http", "https") and parts.hostname and not more
    except ValueError:
        valid = False
    if not valid:
        raise ValueError("it must be an address such as https://models.example.com/v1, without user, query, fragment")
    return text.strip().rstrip("/")


def _headers(value: Any) -> Any:
    wrong = ValueError('it must be a JSON object of header names and texts, such as {"X-Team": "research"}')
    try:
        read = json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        raise wrong from None
    if not isinstance(read, Mapping):
        raise wrong
    for name, text in read.items():
        if not isinstance(text, str | SecretStr) or not _HEADER_NAME.fullmatch(name):
            raise wrong
        if not _HEADER_VALUE.fullmatch(text if isinstance(text, str) else text.get_secret_value()):
            raise wrong
    return read


Address = Annotated[str, AfterValidator(_address)]
"""The type of a setting that holds the address of a vendor's server."""


class ModelSettings(Settings):
    """The settings of a server that asks models."""

    model_hosts: Many[str] = ()
    """The hosts that models may be called at, besides their vendors' own. Loopback too if all callers are local."""

    model_around: Many[Literal["retry", "pace", "governor", "meter"]] = ("retry", "pace", "governor", "meter")
    """What stands around a provider's models: `retry` asks again after an outage, `pace` hands answers out one by
    one, `governor` keeps to limits, `meter` measures latency and cost."""

    model_attempts: int = Field(default=10, ge=1, le=100)
    """How often a model is asked that does not answer; 1 never asks again."""

    model_throttled_seconds: float = Field(default=600.0, ge=0)
    """How long a request is repeated that the provider refuses because it was asked too often."""

    model_longest_pause_seconds: float = Field(default=30.0, gt=0)
    """The longest pause between two attempts, even if the provider asks for more."""

    prices: File | None = None
    """A YAML file with the prices of models; unset, those of `shared/llm/prices.yaml`."""

    @property
    def calls_loopback(self) -> bool:
        """True if agents and models on loopback need not be named, because every caller is on this machine."""
        return is_loopback(self.host) and not self.authenticates


class VendorSettings(EnvironmentSettings):
    """The settings of a vendor's provider. A subclass sets the prefix, the address and the vendor's own names.

    own_host: the vendor's, which need not be allowed and needs a key; "" if there is none.
    own_variable: the environment variable in which the vendor's own tools look for the key.
    """

    own_host: ClassVar[str]
    own_variable: ClassVar[str]

    api_key: SecretStr | None = None
    """The key; unset, the variable that the vendor's own tools read, such as OPENAI_API_KEY."""

    base_url: Address

    headers: Annotated[Mapping[str, SecretStr], NoDecode, BeforeValidator(_headers)] = {}
    """Headers of every request, as a JSON object."""

    timeout_seconds: float = Field(default=120.0, gt=0)
    """How long one answer may take."""

    temperature: float | None = Field(default=None, ge=0, le=2)
    """The temperature of requests that have none; unset, the vendor's default."""

    stream: bool = False
    """True to let answers arrive in parts, which tells the time to the first token and costs more processor time."""

    calls_in_flight: int | None = Field(default=None, ge=1)
    """The most calls that may wait for an answer at once; unset, there is no limit until the vendor refuses one."""

    requests_per_minute: int | None = Field(default=None, ge=1)
    """The most requests in any minute, as the vendor grants them to the key; unset, its answers tell."""

    tokens_per_minute: int | None = Field(default=None, ge=1)
    """The most tokens of input and output in any minute; unset, the vendor's answers tell."""

    @property
    def key(self) -> str:
        """The key, "" if there is none."""
        return (self.api_key.get_secret_value() if self.api_key else os.environ.get(self.own_variable, "")).strip()

    @property
    def plain_headers(self) -> dict[str, str]:
        """The headers with their secrets."""
        return {name: value.get_secret_value() for name, value in self.headers.items()}

    @property
    def host(self) -> str:
        """The host of the address."""
        return urlsplit(self.base_url).hostname or ""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no message may show. A short text is no secret, and may stand in any sentence."""
        return tuple(secret for secret in (self.key, *self.plain_headers.values()) if len(secret) >= 8)
