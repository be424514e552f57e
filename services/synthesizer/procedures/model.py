"""Procedures: what an agent must do, in revisions that are immutable once READY."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256

from shared.model.events import Json
from shared.model.steps import Step, Tool

MAX_REVISION = 1 << 20
"""Bytes at most of a revision as a message, and of a procedure's line in a file."""


class RevisionState(StrEnum):
    """DRAFT: it may change and cannot be rehearsed. READY: it can be rehearsed and cannot change."""

    DRAFT = "DRAFT"
    READY = "READY"


@dataclass(frozen=True, slots=True)
class Domain:
    """The domain that a revision names, with a copy of what it said when the revision was saved.

    name: `domains/{domain}`. revision: its number; until the domain is read, 0 is the newest READY one.
    agent, persona: what their models are shown; they follow from name and number, and are not compared.
    """

    name: str
    revision: int = 0
    agent: str = field(default="", compare=False)
    persona: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Revision:
    """One version of a procedure.

    expectations: what its conversations should show, as `shared.model.expectations` reads them.
    domain: None if it names none. Times are Unix milliseconds; ready_time is 0 for a DRAFT.
    """

    procedure: str
    number: int
    state: RevisionState
    instructions: str = ""
    steps: tuple[Step, ...] = ()
    tools: tuple[Tool, ...] = ()
    create_time: int = 0
    ready_time: int = 0
    expectations: tuple[Mapping[str, Json], ...] = field(default=(), hash=False)
    domain: Domain | None = None

    @property
    def agent_context(self) -> str:
        """What the agent's model is shown of the domain; "" if it names none."""
        return self.domain.agent if self.domain else ""

    @property
    def persona_context(self) -> str:
        """What the persona's model is shown of the domain; "" if it names none."""
        return self.domain.persona if self.domain else ""


@dataclass(frozen=True, slots=True)
class Procedure:
    """What an agent must do. latest_ready_revision: 0 if no revision is READY."""

    name: str
    display_name: str
    description: str = ""
    external_id: str = ""
    latest_revision: int = 0
    latest_ready_revision: int = 0
    create_time: int = 0


@dataclass(frozen=True, slots=True)
class NewProcedure:
    """A procedure with its first revision, read from a line of a file; it has no name and no times yet.

    redacted: how many values of which kind were redacted.
    """

    line: int
    procedure: Procedure
    revision: Revision
    redacted: Mapping[str, int] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Equal for equal content."""
        return sha256(repr((self.procedure, self.revision)).encode()).hexdigest()

    @property
    def external_id(self) -> str:
        """The procedure's external id."""
        return self.procedure.external_id
