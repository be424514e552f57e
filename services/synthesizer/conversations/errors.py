"""What can be wrong with a conversation or with a call about one."""

from shared.errors import Aborted, FailedPrecondition, InvalidArgument, NotFound


class ConversationNotFound(NotFound):
    """There is no conversation {name}."""

    reason = "CONVERSATION_NOT_FOUND"


class SpecInvalid(InvalidArgument):
    """The spec is not as it should be; the field violations say what would be right."""

    reason = "SPEC_INVALID"


class ToolConfigInvalid(InvalidArgument):
    """The tool config does not fit revision {revision} of {procedure}; the field violations say where."""

    reason = "TOOL_CONFIG_INVALID"


class RevisionNotReady(FailedPrecondition):
    """Revision {revision} of {procedure} is a DRAFT; mark it ready, since only a READY revision can be rehearsed."""

    reason = "REVISION_NOT_READY"


class NoReadyRevision(FailedPrecondition):
    """{procedure} has no READY revision; mark one ready, since only a READY revision can be rehearsed."""

    reason = "NO_READY_REVISION"


class BaseTooShort(InvalidArgument):
    """{conversation} has {last_seq} events; based_on.seq must not be more."""

    reason = "BASE_TOO_SHORT"


class NotCreated(FailedPrecondition):
    """{name} is {state}; only a CREATED conversation can be let run."""

    reason = "CONVERSATION_NOT_CREATED"


class NotCancellable(FailedPrecondition):
    """{name} is {state} already; only a conversation that is not over can be cancelled."""

    reason = "CONVERSATION_OVER"


class NotFailed(FailedPrecondition):
    """{name} is {state}; only a FAILED conversation can be retried."""

    reason = "CONVERSATION_NOT_FAILED"


class RunByBatch(FailedPrecondition):
    """{name} is one of {batch}; let the whole batch run."""

    reason = "CONVERSATION_OF_BATCH"


class BatchCancelled(FailedPrecondition):
    """{name} is one of {batch}, which was cancelled; start a new batch, or the same conversation alone."""

    reason = "BATCH_CANCELLED"


class NotOpen(FailedPrecondition):
    """{name} is {state}; events can be appended only to a manual conversation that is OPEN."""

    reason = "CONVERSATION_NOT_OPEN"


class NotFinishable(FailedPrecondition):
    """{name} is {state}; only a conversation that goes on can be finished."""

    reason = "CONVERSATION_NOT_GOING_ON"


class NotOver(FailedPrecondition):
    """{name} is {state}; cancel or finish it before it is deleted."""

    reason = "CONVERSATION_NOT_OVER"


class StillNeeded(FailedPrecondition):
    """{name} cannot be deleted, because {by} refers to it."""

    reason = "CONVERSATION_REFERENCED"


class SeqMoved(Aborted):
    """The last event of {name} is {last_seq}, not {expected}; read the events again and repeat the call."""

    reason = "SEQ_MOVED"


class BadEvent(InvalidArgument):
    """An event cannot be appended as it is; the field violations say why."""

    reason = "BAD_EVENT"
