"""Errors about conversations."""

from shared.errors import Aborted, FailedPrecondition, InvalidArgument, NotFound, PermissionDenied


class ConversationNotFound(NotFound):
    """There is no conversation {name}."""

    reason = "CONVERSATION_NOT_FOUND"


class SpecInvalid(InvalidArgument):
    """The spec is not valid; the field violations say what would be right."""

    reason = "SPEC_INVALID"


class ToolConfigInvalid(InvalidArgument):
    """The tool config does not fit revision {revision} of {procedure}; the field violations say where."""

    reason = "TOOL_CONFIG_INVALID"


class RevisionNotReady(FailedPrecondition):
    """Revision {revision} of {procedure} is a DRAFT; mark it ready, because conversations need a READY revision."""

    reason = "REVISION_NOT_READY"


class NoReadyRevision(FailedPrecondition):
    """{procedure} has no READY revision; mark one ready, because conversations need a READY revision."""

    reason = "NO_READY_REVISION"


class PreviewRefused(PermissionDenied):
    """Only staff may call previews of pull requests; leave agent_pull_request and persona_agent_pull_request out."""

    reason = "PREVIEW_REFUSED"


class BaseTooShort(InvalidArgument):
    """{conversation} has {last_seq} events; based_on.seq must not be higher."""

    reason = "BASE_TOO_SHORT"


class NotCreated(FailedPrecondition):
    """{name} is {state}; only a CREATED conversation can be run."""

    reason = "CONVERSATION_NOT_CREATED"


class NotCancellable(FailedPrecondition):
    """{name} is {state}; only a conversation that is not over can be cancelled."""

    reason = "CONVERSATION_OVER"


class NotFailed(FailedPrecondition):
    """{name} is {state}; only a FAILED conversation can be retried."""

    reason = "CONVERSATION_NOT_FAILED"


class RunByBatch(FailedPrecondition):
    """{name} belongs to {batch}; run the whole batch."""

    reason = "CONVERSATION_OF_BATCH"


class BatchCancelled(FailedPrecondition):
    """{name} belongs to {batch}, which was cancelled; start a new batch or a single conversation."""

    reason = "BATCH_CANCELLED"


class NotOpen(FailedPrecondition):
    """{name} is {state}; events can be appended only to an OPEN manual conversation."""

    reason = "CONVERSATION_NOT_OPEN"


class NotFinishable(FailedPrecondition):
    """{name} is {state}; only a conversation that is not over can be finished."""

    reason = "CONVERSATION_NOT_GOING_ON"


class NotOver(FailedPrecondition):
    """{name} is {state}; cancel or finish it before you delete it."""

    reason = "CONVERSATION_NOT_OVER"


class StillNeeded(FailedPrecondition):
    """{name} cannot be deleted, because {by} refers to it."""

    reason = "CONVERSATION_REFERENCED"


class NotPlayable(FailedPrecondition):
    """{name} names no {what}, so its sides cannot be played; start one that does."""

    reason = "CONVERSATION_NOT_PLAYABLE"


class TurnFailed(FailedPrecondition):
    """The turn failed, and can be tried again. {why}"""

    reason = "TURN_FAILED"


class SeqMoved(Aborted):
    """The last event of {name} has seq {last_seq}, not {expected}; read the new events and repeat the call."""

    reason = "SEQ_MOVED"


class BadEvent(InvalidArgument):
    """An event cannot be appended; the field violations say why."""

    reason = "BAD_EVENT"


class AgentNotAllowed(FailedPrecondition):
    """The agent is not called, because its {field} is not allowed: {why}"""

    reason = "AGENT_NOT_ALLOWED"
