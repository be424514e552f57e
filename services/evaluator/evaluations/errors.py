"""What can be wrong with an evaluation, or with a call about one."""

from shared.errors import FailedPrecondition, NotFound


class EvaluationNotFound(NotFound):
    """There is no {name}."""

    reason = "EVALUATION_NOT_FOUND"


class NothingToEvaluate(FailedPrecondition):
    """There is nothing to evaluate: {subject} has no conversations."""

    reason = "NOTHING_TO_EVALUATE"


class TooManySources(FailedPrecondition):
    """More than {most} sources match; choose fewer with the filter."""

    reason = "TOO_MANY_SOURCES"


class ConversationNotOver(FailedPrecondition):
    """{name} is not over; only conversations that are over can be evaluated by name."""

    reason = "CONVERSATION_UNFINISHED"


class EvaluationOver(FailedPrecondition):
    """{name} is {state}; only an evaluation that is not over can be cancelled."""

    reason = "EVALUATION_OVER"


class EvaluationNotRetriable(FailedPrecondition):
    """{name} was cancelled; start a new evaluation."""

    reason = "EVALUATION_NOT_RETRIABLE"


class EvaluationNotOver(FailedPrecondition):
    """{name} is {state}; cancel it before you delete it."""

    reason = "EVALUATION_NOT_OVER"


class EvaluationInUse(FailedPrecondition):
    """{report} stands on {name}; delete that report before."""

    reason = "EVALUATION_IN_USE"


class EvaluationUnfinished(FailedPrecondition):
    """{name} is {state}; only a completed evaluation can be reported."""

    reason = "EVALUATION_UNFINISHED"
