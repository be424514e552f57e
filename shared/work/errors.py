"""Errors of calls about long work, for nouns that define none of their own."""

from shared.errors import FailedPrecondition, NotFound


class WorkNotFound(NotFound):
    """There is no {name}."""

    reason = "WORK_NOT_FOUND"


class WorkOver(FailedPrecondition):
    """{name} is {state}; only work that is not over can be cancelled."""

    reason = "WORK_OVER"


class WorkNotRetriable(FailedPrecondition):
    """{name} was cancelled; start new work instead."""

    reason = "WORK_NOT_RETRIABLE"


class WorkNotOver(FailedPrecondition):
    """{name} is {state}; cancel it before you delete it."""

    reason = "WORK_NOT_OVER"


class WorkCrashed(FailedPrecondition):
    """The process that worked on {name} ended {times} times, usually because memory ran out; free some, then retry."""

    reason = "WORK_CRASHED"
