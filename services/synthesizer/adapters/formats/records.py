"""The records that the reader of a format yields."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.synthesizer.adapters.formats.fields import BadLine
from services.synthesizer.procedures.checks import check_revision
from services.synthesizer.procedures.model import Domain
from shared.model.events import Event, Json, Resource
from shared.model.steps import Step, Tool


@dataclass(frozen=True, slots=True)
class ProcedureRecord:
    """A procedure with its first revision in a file. It was checked, so the revision can be READY.

    redacted: how many values of which kind were redacted.
    """

    external_id: str
    display_name: str
    description: str
    instructions: str
    steps: tuple[Step, ...]
    tools: tuple[Tool, ...]
    line: int
    redacted: Mapping[str, int] = field(default_factory=dict)
    expectations: tuple[Mapping[str, Json], ...] = ()
    domain: Domain | None = None


def check_procedure(
    steps: Sequence[Step], tools: Sequence[Tool], expectations: Sequence[Mapping[str, Json]] = ()
) -> None:
    """Raise BadLine with the first thing that is wrong with the steps, tools or expectations of a procedure."""
    if wrong := check_revision(steps, tools, expectations, path=""):
        raise BadLine("INVALID_PROCEDURE", f"{wrong[0].field}: {wrong[0].description}")


@dataclass(frozen=True, slots=True)
class ResourceRecord:
    """A resource in the file of a resource set."""

    resource: Resource
    line: int

    @property
    def external_id(self) -> str:
        """What makes it unique in its file."""
        return f"{self.resource.type}/{self.resource.id}"


@dataclass(slots=True)  # frozen ones take three times as long to make
class SourceRecord:
    """A source in a file.

    external_id: its id, unique in the file.
    finished: None if the file does not say; then the time of its newest event tells.
    transcript: its events, with seq 1, 2, 3 … and no ids.
    procedure_external_id: of the procedure that it is linked to, "" if none; not part of the content.
    line: from 1.
    procedure: that procedure, if the file of sources has it too.
    redacted: how many values of which kind were redacted.
    """

    external_id: str
    finished: bool | None
    transcript: Sequence[Event]
    resources: tuple[Resource, ...]
    procedure_external_id: str
    line: int
    procedure: ProcedureRecord | None = None
    redacted: Mapping[str, int] = field(default_factory=dict)

    @property
    def events(self) -> tuple[Event, ...]:
        """The events of the transcript."""
        return tuple(self.transcript)
