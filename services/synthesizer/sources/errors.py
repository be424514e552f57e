"""Errors of calls about sources."""

from shared.errors import FailedPrecondition, NotFound


class SourceNotFound(NotFound):
    """There is no source {name}."""

    reason = "SOURCE_NOT_FOUND"


class SourceNotFinished(FailedPrecondition):
    """The source conversation {source} has not finished; only finished conversations can be rehearsed."""

    reason = "SOURCE_NOT_FINISHED"


class SourceHasNoUserMessage(FailedPrecondition):
    """The source conversation {source} has no user message to start from; choose one that has."""

    reason = "SOURCE_HAS_NO_USER_MESSAGE"
