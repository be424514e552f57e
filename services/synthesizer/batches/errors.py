"""Errors about batches."""

from shared.errors import FailedPrecondition, NotFound


class BatchNotFound(NotFound):
    """There is no batch {name}."""

    reason = "BATCH_NOT_FOUND"


class NoSources(FailedPrecondition):
    """No finished source matches the filter; import sources, or widen the filter."""

    reason = "NO_SOURCES"


class ExternalIdsNotFound(FailedPrecondition):
    """No finished source that matches the filter has the external id {external_ids}; import it, or leave it out of the filter."""  # noqa: E501

    reason = "EXTERNAL_IDS_NOT_FOUND"


class NoLinkedSources(FailedPrecondition):
    """No source that matches the filter is linked to a READY revision; import the procedure and then the sources again, or name one procedure for all."""  # noqa: E501

    reason = "NO_LINKED_SOURCES"


class SourceNotLinked(FailedPrecondition):
    """The source {source} is linked to no READY revision; name one procedure for all, or import its procedure first."""

    reason = "SOURCE_NOT_LINKED"


class ConversationsNotFound(FailedPrecondition):
    """{name} has no conversation with the index {index}; name indexes that its results have."""

    reason = "CONVERSATIONS_NOT_FOUND"


class BatchNotCancellable(FailedPrecondition):
    """{name} is {state}; only a batch that is not over can be cancelled."""

    reason = "BATCH_OVER"


class BatchNotRetriable(FailedPrecondition):
    """{name} was cancelled; only a batch that was not cancelled can be retried. Start a new batch."""

    reason = "BATCH_NOT_RETRIABLE"


class BatchNotOver(FailedPrecondition):
    """{name} is {state}; cancel it before you delete it."""

    reason = "BATCH_NOT_OVER"


class BatchStillNeeded(FailedPrecondition):
    """{name} cannot be deleted, because {by} is based on one of its conversations."""

    reason = "BATCH_REFERENCED"
