"""What a format's reader yields beside problems: records that were read."""

from dataclasses import dataclass

from shared.model.events import Event, Resource
from shared.model.steps import Step, Tool


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """A source conversation as a file has it.

    external_id: its id in the file; unique there.
    events: with seq 1, 2, 3 … and no ids.
    procedure_external_id: the procedure it is linked to, "" when none; never content.
    line: from 1.
    """

    external_id: str
    finished: bool
    events: tuple[Event, ...]
    resources: tuple[Resource, ...]
    procedure_external_id: str
    line: int


@dataclass(frozen=True, slots=True)
class ProcedureRecord:
    """A procedure and its first revision as a file has them; checked, so that the revision can be READY."""

    external_id: str
    display_name: str
    description: str
    instructions: str
    steps: tuple[Step, ...]
    tools: tuple[Tool, ...]
    line: int
