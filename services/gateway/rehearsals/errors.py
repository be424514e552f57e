"""What can be wrong with a rehearsal, or with a call about one."""

from shared.errors import FailedPrecondition, InvalidArgument, NotFound


class RehearsalNotFound(NotFound):
    """There is no rehearsal {name}."""

    reason = "REHEARSAL_NOT_FOUND"


class RehearsalInvalid(InvalidArgument):
    """The rehearsal cannot be made from this spec; see the field violations."""

    reason = "REHEARSAL_INVALID"


class RehearsalOver(FailedPrecondition):
    """{name} is {state}; only a rehearsal that is not over can be cancelled."""

    reason = "REHEARSAL_OVER"


class RehearsalNotRetriable(FailedPrecondition):
    """{name} was cancelled; start a new rehearsal with its spec instead."""

    reason = "REHEARSAL_NOT_RETRIABLE"


class RehearsalNotOver(FailedPrecondition):
    """{name} is {state}; cancel it before you delete it."""

    reason = "REHEARSAL_NOT_OVER"


class RecordsTooLarge(FailedPrecondition):
    """The records of the rehearsal take more than {most} MiB as JSON; ask for fewer of them, or for smaller ones."""

    reason = "REHEARSAL_RECORDS_TOO_LARGE"


class EvaluationStopped(FailedPrecondition):
    """{evaluation} was cancelled, so there is nothing to report; retry the rehearsal to evaluate again."""

    reason = "EVALUATION_STOPPED"


class EvaluationBroken(FailedPrecondition):
    """{evaluation} failed, {cause}: {detail} Retry the rehearsal when the cause is mended."""

    reason = "EVALUATION_BROKEN"


class JudgementStopped(FailedPrecondition):
    """{judgement} was cancelled, so there is nothing to report; retry the rehearsal to judge again."""

    reason = "JUDGEMENT_STOPPED"


class JudgementBroken(FailedPrecondition):
    """{judgement} failed, {cause}: {detail} Retry the rehearsal when the cause is mended."""

    reason = "JUDGEMENT_BROKEN"


class NothingFailed(FailedPrecondition):
    """Every conversation of {name} passed, so there is none to play again."""

    reason = "NOTHING_FAILED"


class BaselineUnlike(FailedPrecondition):
    """{batch} cannot be compared with: it has other {what} than the batch of the spec."""

    reason = "BASELINE_UNLIKE"
