"""Procedures: what an agent must do, in revisions that are immutable once READY."""

from dataclasses import dataclass
from enum import StrEnum

from shared.model.steps import Step, Tool


class RevisionState(StrEnum):
    """Whether a revision may still change."""

    DRAFT = "DRAFT"
    READY = "READY"


@dataclass(frozen=True, slots=True)
class Revision:
    """One version of a procedure; times are Unix milliseconds, ready_time 0 while it is a DRAFT."""

    procedure: str
    number: int
    state: RevisionState
    instructions: str = ""
    steps: tuple[Step, ...] = ()
    tools: tuple[Tool, ...] = ()
    create_time: int = 0
    ready_time: int = 0


@dataclass(frozen=True, slots=True)
class Procedure:
    """What an agent must do; `latest_ready_revision` is 0 when none is READY."""

    name: str
    display_name: str
    description: str = ""
    external_id: str = ""
    latest_revision: int = 0
    latest_ready_revision: int = 0
    create_time: int = 0
