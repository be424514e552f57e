"""What can be wrong with a judgement or a calibration, or with a call about one."""

from shared.errors import FailedPrecondition, NotFound


class JudgementNotFound(NotFound):
    """There is no {name}."""

    reason = "JUDGEMENT_NOT_FOUND"


class JudgementOver(FailedPrecondition):
    """{name} is {state}; only a judgement that is not over can be cancelled."""

    reason = "JUDGEMENT_OVER"


class JudgementNotRetriable(FailedPrecondition):
    """{name} was cancelled; start a new judgement."""

    reason = "JUDGEMENT_NOT_RETRIABLE"


class JudgementNotOver(FailedPrecondition):
    """{name} is {state}; cancel it before you delete it."""

    reason = "JUDGEMENT_NOT_OVER"


class JudgementUnfinished(FailedPrecondition):
    """{name} is {state}; only a completed judgement can be compared with labels, or be in a report."""

    reason = "JUDGEMENT_UNFINISHED"


class NoLabelUsable(FailedPrecondition):
    """None of the labels can be used: {why}"""

    reason = "NO_LABEL_USABLE"


class JudgeCalibrationNotFound(NotFound):
    """There is no {name}."""

    reason = "JUDGE_CALIBRATION_NOT_FOUND"
