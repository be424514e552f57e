"""Where agents under test may be called, so that who starts conversations cannot make the server call anything else."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.hosts import is_loopback


@dataclass(frozen=True, slots=True)
class AgentHosts:
    """The hosts that an operator named, and whether those on loopback may be called without being named."""

    named: Sequence[str] = ()
    loopback: bool = False

    def allow(self, address: str) -> bool:
        """Whether the agent at address (`host:port`) may be called."""
        host = _plain(address.rpartition(":")[0])
        return host in map(_plain, self.named) or (self.loopback and is_loopback(host))

    def __str__(self) -> str:
        either = "an address on loopback or a host" if self.loopback else "a host"
        return f"{either} that GREENROOM_AGENT_HOSTS names"


def _plain(host: str) -> str:
    return host.strip("[]").lower()
