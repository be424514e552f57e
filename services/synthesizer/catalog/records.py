"""What an import makes of a file's lines, ready to be stored."""

from dataclasses import dataclass
from enum import Enum

from services.synthesizer.procedure import Procedure, Revision


class Outcome(Enum):
    """How an imported record fared: new, here already with the same content, or with other content."""

    IMPORTED = "imported"
    UNCHANGED = "unchanged"
    TAKEN = "taken"


@dataclass(frozen=True, slots=True)
class Stored:
    """How one record of an import fared; `unlinked` when it names a procedure that has no READY revision here."""

    outcome: Outcome
    unlinked: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """A line that was refused or, when `partial`, was not imported wholly.

    line: from 1.
    reason: UPPER_SNAKE and stable.
    description: one sentence that says what is wrong and what would be right.
    """

    line: int
    reason: str
    description: str
    partial: bool = False


@dataclass(frozen=True, slots=True)
class NewSource:
    """A source from a file.

    procedure_external_id: which procedure it was about, "" when unsaid.
    digest: of its content, by which the same is known again. document: the content, packed.
    """

    line: int
    external_id: str
    format: str
    finished: bool
    procedure_external_id: str
    event_count: int
    resource_count: int
    digest: str
    document: bytes


@dataclass(frozen=True, slots=True)
class NewProcedure:
    """A procedure from a file with its first revision; names and times are still to be given."""

    line: int
    procedure: Procedure
    revision: Revision
