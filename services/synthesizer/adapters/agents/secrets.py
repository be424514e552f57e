"""The secrets that agents may be sent. Only their names are stored."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from services.synthesizer.settings import AgentSecret
from shared.hosts import names

_VISIBLE = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class AgentSecrets:
    """The secrets by name, each bound to a host and to companies. environment: holds their values."""

    bound: Mapping[str, AgentSecret] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    def problem(self, name: str, company: str, host: str) -> str | None:
        """Why a company may not send a secret to a host; None if it may."""
        found = self.bound.get(name)
        if found is None or company not in found.companies:
            return f"There is no secret {name} for your company; GREENROOM_AGENT_SECRETS must bind it to your company."
        if not names(found.host, host):
            return f"The secret {name} belongs to another host than {host}; it is sent to no other."
        if not _VISIBLE.fullmatch(self.value(name)):
            where = f"set {self._variable(name)} to it where the server starts"
            return f"The secret {name} has no value of visible characters without spaces; {where}."
        return None

    def value(self, name: str) -> str:
        """The value of a secret that has a name here."""
        return self.environment.get(self._variable(name), "").strip()

    def _variable(self, name: str) -> str:
        return self.bound[name].variable or f"GREENROOM_SECRET_{name.upper().replace('-', '_')}"


NO_SECRETS = AgentSecrets()
