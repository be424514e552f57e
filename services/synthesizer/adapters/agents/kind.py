"""The interface of a kind of agent under test."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from services.synthesizer.adapters.agents.secrets import NO_SECRETS, AgentSecrets
from services.synthesizer.conversations.targets import Action, View
from shared.hosts import AllowedHosts
from shared.model.events import Json


@dataclass(frozen=True, slots=True)
class Access:
    """What the operator allows agents. hosts: those that may be dialled. timeout: seconds for one action."""

    hosts: AllowedHosts
    timeout: float
    secrets: AgentSecrets = NO_SECRETS


class ExternalAgent(ABC):
    """An agent or a customer of one kind. A kind is a subclass in a file of its own, and one line in the registry.

    config: the fields of the kind's message in AgentTarget, by name; fields with their default value are left out.
    """

    @abstractmethod
    def __init__(self, config: Mapping[str, Json], access: Access) -> None: ...

    @staticmethod
    @abstractmethod
    def hosts(config: Mapping[str, Json]) -> Mapping[str, str]:
        """Every host that `act` may dial, by the field that names it. Only allowed hosts are dialled."""

    @staticmethod
    def problems(config: Mapping[str, Json]) -> Mapping[str, str]:  # noqa: ARG004
        """What else is wrong with the config: a sentence by field."""
        return {}

    @abstractmethod
    async def act(self, view: View) -> Action:
        """The next action of the agent, or of the persona that the view names.

        Raises TargetUnavailable if another attempt may help, TargetFailed if none will.
        """

    @abstractmethod
    async def close(self) -> None:
        """Close the connections."""
