"""What can be wrong with a batch or with a call about one."""

from shared.errors import FailedPrecondition, NotFound


class BatchNotFound(NotFound):
    """There is no batch {name}."""

    reason = "BATCH_NOT_FOUND"


class NoSources(FailedPrecondition):
    """No finished source matches the filter; import sources, or widen the filter."""

    reason = "NO_SOURCES"


class NoLinkedSources(FailedPrecondition):
    """No source that matches the filter is linked to a READY revision; import the procedure, then the sources again, or name a procedure for all."""  # noqa: E501

    reason = "NO_LINKED_SOURCES"


class SourceNotLinked(FailedPrecondition):
    """The source {source} is linked to no READY revision; name a procedure for all, or import its procedure first."""

    reason = "SOURCE_NOT_LINKED"


class BatchNotCancellable(FailedPrecondition):
    """{name} is {state}; only a batch that is not over can be cancelled."""

    reason = "BATCH_OVER"


class BatchNotRetriable(FailedPrecondition):
    """{name} was cancelled, and so its failed conversations are not retried; start a new batch."""

    reason = "BATCH_NOT_RETRIABLE"


class BatchNotOver(FailedPrecondition):
    """{name} is {state}; cancel it before it is deleted."""

    reason = "BATCH_NOT_OVER"


class BatchStillNeeded(FailedPrecondition):
    """{name} cannot be deleted, because {by} is based on one of its conversations."""

    reason = "BATCH_REFERENCED"
