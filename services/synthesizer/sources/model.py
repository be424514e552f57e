"""Sources: real conversations that synthetic ones start from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from services.synthesizer.procedures.model import NewProcedure
from services.synthesizer.sources.errors import SourceHasNoUserMessage, SourceNotFinished
from shared.model.events import AgentMessage, Event, Resource, ToolCall, UserMessage


@dataclass(frozen=True, slots=True)
class Source:
    """A source without its content.

    procedure, revision: what the import linked the source to; "" and 0 if nothing. Not part of the content.
    """

    name: str
    external_id: str
    format: str
    finished: bool
    procedure: str = ""
    revision: int = 0
    event_count: int = 0
    resource_count: int = 0
    create_time: int = 0
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceFilter:
    """Which sources to select; an empty field selects all.

    procedure: a name. finished: only finished ones. external_ids: one of these. labels: all of these.
    """

    format: str = ""
    procedure: str = ""
    external_id: str = ""
    finished: bool = False
    external_ids: tuple[str, ...] = ()
    external_id_prefix: str = ""
    labels: tuple[str, ...] = ()


class NewSource(NamedTuple):
    """A source read from a line of a file.

    procedure_external_id: of the procedure that it is about, "" if unknown.
    document: the packed content. digest: of the content; equal contents have equal digests.
    procedure: the procedure with that external id, if the line has it too.
    redacted: how many values of which kind were redacted.
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
    procedure: NewProcedure | None
    redacted: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Sample:
    """A source as it would be imported. events: the first ones. instructions: of its procedure, "" if none."""

    external_id: str
    finished: bool
    instructions: str
    events: tuple[Event, ...]
    event_count: int


@dataclass(frozen=True, slots=True)
class ExportedSource:
    """A source as it is stored. procedure_external_id: of the procedure that it is linked to, "" if none."""

    name: str
    external_id: str
    finished: bool
    procedure_external_id: str
    document: bytes


@dataclass(frozen=True, slots=True)
class SourceConversation:
    """A source with its content: events with seq 1, 2, 3 …, and resources.

    size: bytes of the stored content, for caches with a limit.
    """

    source: Source
    events: tuple[Event, ...]
    resources: tuple[Resource, ...] = ()
    size: int = 0


@dataclass(frozen=True, slots=True)
class StartPoint:
    """The point of a source from which a synthetic conversation continues.

    events: the source's events before the first agent message or tool call that follows a user message.
    resources: those that existed by then.
    """

    events: tuple[Event, ...]
    resources: tuple[Resource, ...]


def start_point(conversation: SourceConversation) -> StartPoint:
    """Cut a finished source before the agent's first answer to the user; an earlier greeting stays.

    Raises SourceNotFinished, SourceHasNoUserMessage.
    """
    if not conversation.source.finished:
        raise SourceNotFinished(source=conversation.source.name)
    bodies = [event.body for event in conversation.events]
    first_user = next((i for i, body in enumerate(bodies) if isinstance(body, UserMessage)), None)
    if first_user is None:
        raise SourceHasNoUserMessage(source=conversation.source.name)
    cut = next(
        (i for i in range(first_user, len(bodies)) if isinstance(bodies[i], AgentMessage | ToolCall)), len(bodies)
    )
    resources = tuple(resource for resource in conversation.resources if resource.appeared_after <= cut)
    return StartPoint(conversation.events[:cut], resources)
