"""The settings of the synthesizer."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_settings import NoDecode

from shared.auth import DEVELOPMENT
from shared.flags.settings import FlagSettings
from shared.llm.settings import ModelSettings
from shared.model.events import PersonaFlag
from shared.roster import port_of
from shared.settings import Many, PeerAddress


class AgentSecret(BaseModel):
    """Who may send a secret, and where.

    host: the only host that it is sent to. companies: those whose conversations may send it; by default the one of the
    callers of a server without authentication. variable: the environment variable with its value; by default
    GREENROOM_SECRET_ and the name of the secret in capitals, with _ for -.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    host: str = Field(min_length=1)
    companies: frozenset[str] = Field(default=frozenset({DEVELOPMENT.company}), strict=False)
    variable: str = ""


def _secrets(value: Any) -> Any:
    wrong = ValueError('it must be JSON such as {"my-bot": {"host": "bot.example.com", "companies": ["acme"]}}')
    try:
        read = json.loads(value) if isinstance(value, str) else value
        return {name: AgentSecret.model_validate(bound) for name, bound in read.items()}
    except (ValueError, AttributeError, RecursionError):
        raise wrong from None


class SynthesizerSettings(ModelSettings, FlagSettings):
    """The settings of the synthesizer."""

    port: int = Field(default=port_of("synthesizer"), ge=0, le=65535)
    """The port to listen on; 0 takes a free one."""

    enricher_address: PeerAddress = f"127.0.0.1:{port_of('enricher')}"
    """Address of the enricher, whose domains procedures and generated personas may name; as for the gateway."""

    max_in_flight: int = Field(default=100, ge=1, le=10_000)
    """How many conversations run at once; a batch or an agent target may ask for fewer."""

    compute_workers: int = Field(default=1, ge=1, le=64)
    """How many processes read imports and write exports."""

    worker_memory_mib: int = Field(default=4096, ge=512)
    """The most memory of a worker process, in MiB; input that needs more is refused. Small files may need less, see
    [memory](#memory-and-files)."""

    redact_imports: bool = False
    """True to redact the imports that do not say whether to, see [redaction](formats.md#redaction)."""

    default_model: str = "offline"
    """The model of conversations that name none."""

    offline_makes_up_values: bool = False
    """True to let offline personas make up values, drawn by the seed, that their source does not have."""

    persona_checks_off: Many[PersonaFlag] = ()
    """The [flags](models.md#persona-flags) that no message of a persona is checked for, with commas between them."""

    agent_hosts: Many[str] = ()
    """The hosts whose agents may be called, with commas between them. Loopback too if all callers are local. Previews
    may also be called at hosts such as `pr-{pull_request}.agents.example`, for any number."""

    agent_secrets: Annotated[Mapping[str, AgentSecret], NoDecode, BeforeValidator(_secrets)] = {}
    """The secrets that agents may be sent, as JSON: `{"my-bot": {"host": "bot.example.com", "companies": ["acme"]}}`.
    The value of my-bot is in `GREENROOM_SECRET_MY_BOT`, or in the variable that `"variable"` names. Without
    `"companies"` only callers of a server without authentication may name it."""

    agent_timeout_seconds: float = Field(default=60.0, gt=0)
    """How long an agent under test may take for one action."""

    agent_longest_pause_seconds: float = Field(default=60.0, ge=0)
    """The longest pause that an agent under test may ask for, with RetryInfo in its error, before it is asked again."""

    call_attempts: int = Field(default=5, ge=1, le=100)
    """How often an unavailable agent under test is asked before the conversation fails."""

    store_retry_seconds: float = Field(default=1.0, gt=0)
    """The pause between two attempts to store a conversation's events while the store is unavailable."""
