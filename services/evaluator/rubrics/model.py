"""Rubrics: the criteria of judges, in revisions that are immutable once READY."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

PREFIX = "rubrics/"


@dataclass(frozen=True, slots=True)
class Criterion:
    """One question about a conversation.

    question: what is judged. evidence: what counts as evidence; "" leaves that to the judge.
    scale: what each verdict means, by verdict. passes: the verdicts that are good.
    phrases: phrases of the agent that stand for a verdict; only the offline judge uses them.
    """

    id: str
    question: str
    scale: Mapping[str, str]
    passes: tuple[str, ...]
    evidence: str = ""
    phrases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Criteria:
    """The content of a rubric's file."""

    display_name: str
    criteria: tuple[Criterion, ...]
    description: str = ""


class RevisionState(StrEnum):
    """DRAFT: it may change. READY: it cannot change."""

    DRAFT = "DRAFT"
    READY = "READY"


@dataclass(frozen=True, slots=True)
class Content:
    """A rubric as it is stored. yaml: as `write_rubric` writes it. criteria: their ids."""

    display_name: str
    description: str
    criteria: tuple[str, ...]
    yaml: bytes


@dataclass(frozen=True, slots=True)
class Revision:
    """One version of a rubric. Times are Unix milliseconds; ready_time is 0 for a DRAFT."""

    rubric: str
    number: int
    state: RevisionState
    content: Content
    create_time: int = 0
    ready_time: int = 0


@dataclass(frozen=True, slots=True)
class Rubric:
    """Criteria under a name; display_name and description are those of the revision that was stored last.

    latest_ready_revision: 0 if no revision is READY.
    """

    name: str
    display_name: str
    description: str = ""
    external_id: str = ""
    latest_revision: int = 0
    latest_ready_revision: int = 0
    create_time: int = 0
