"""What can be wrong with a call about a report."""

from shared.errors import FailedPrecondition, InvalidArgument, NotFound


class ReportNotFound(NotFound):
    """There is no report {name}."""

    reason = "REPORT_NOT_FOUND"


class ReportInvalid(InvalidArgument):
    """The report cannot be built from this spec; see the field violations."""

    reason = "REPORT_INVALID"


class JudgesDiffer(FailedPrecondition):
    """{judgement} and {baseline} are of different judges; judge both sides by one rubric, with the same models."""

    reason = "JUDGES_DIFFER"


class NotComparable(FailedPrecondition):
    """The evaluations {evaluation} and {baseline} cannot be compared: {why}."""

    reason = "NOT_COMPARABLE"
