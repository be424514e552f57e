"""What the synthesizer can be told."""

from pydantic import Field

from shared.hosts import is_loopback
from shared.settings import Settings


class SynthesizerSettings(Settings):
    """The synthesizer's port, its limits, and what it may call."""

    port: int = Field(default=9003, ge=0, le=65535)
    """The port to listen on; 0 takes a free one."""

    max_in_flight: int = Field(default=100, ge=1, le=10_000)
    """How many conversations run at once; by default two batches of fifty."""

    compute_workers: int = Field(default=1, ge=1, le=64)
    """How many processes do what holds the processor: imports and exports."""

    writer_process: bool = True
    """Whether conversations on SQLite are stored by a process of their own: faster under load, 45 MB more memory."""

    default_model: str = "offline"
    """The model of conversations that name none."""

    agent_hosts: tuple[str, ...] = ()
    """Hosts where agents under test may be called, as a JSON list; a developer's own server calls loopback anyway."""

    agent_timeout_seconds: float = Field(default=60.0, gt=0)
    """How long an agent under test may take for one action."""

    @property
    def agents_on_loopback(self) -> bool:
        """Whether agents on loopback may be called unnamed: where every caller is a developer on this very machine."""
        return is_loopback(self.host) and not self.authenticates

    @property
    def store_url(self) -> str:
        """The address of the service's store."""
        return self.store_at("synthesizer")
