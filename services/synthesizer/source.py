"""Source conversations: real, finished ones that synthetic ones start from."""

from dataclasses import dataclass

from shared.errors import FailedPrecondition
from shared.model.events import AgentMessage, Event, Resource, ToolCall, UserMessage


class SourceNotFinished(FailedPrecondition):
    """The source conversation {source} has not finished; only finished conversations can be rehearsed."""

    reason = "SOURCE_NOT_FINISHED"


class SourceHasNoUserMessage(FailedPrecondition):
    """In the source conversation {source} the user says nothing, so nothing can start from it."""

    reason = "SOURCE_HAS_NO_USER_MESSAGE"


@dataclass(frozen=True, slots=True)
class Source:
    """What is known of a source without its content.

    procedure, revision: what its importer linked it to; "" and 0 when nothing. Never part of the content.
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


@dataclass(frozen=True, slots=True)
class SourceConversation:
    """A source with its content: events with seq 1, 2, 3 …, and resources with when each appeared.

    size: bytes of the content at rest, for whoever weighs what it keeps.
    """

    source: Source
    events: tuple[Event, ...]
    resources: tuple[Resource, ...] = ()
    size: int = 0


@dataclass(frozen=True, slots=True)
class StartPoint:
    """Where a synthetic conversation leaves its source.

    events: the source's events before the first agent message or tool call that follows a user message.
    resources: what existed by then.
    """

    events: tuple[Event, ...]
    resources: tuple[Resource, ...]


def start_point(conversation: SourceConversation) -> StartPoint:
    """Cut a finished source before the agent's first answer; a greeting before it is kept.

    Raises SourceNotFinished if the source is still going, SourceHasNoUserMessage if nobody spoke.
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
