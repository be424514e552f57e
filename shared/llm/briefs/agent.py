"""The brief of the procedure agent."""

from dataclasses import dataclass

from shared.model.steps import Step


@dataclass(frozen=True, slots=True)
class AgentBrief:
    """The facts in the system text of the procedure agent."""

    instructions: str
    steps: tuple[Step, ...]
