"""What can be wrong with a calibration, or with a call about one."""

from shared.errors import FailedPrecondition, NotFound


class CalibrationNotFound(NotFound):
    """There is no {name}."""

    reason = "CALIBRATION_NOT_FOUND"


class PeopleUnknown(FailedPrecondition):
    """The sources of {batch} are not known or too many to name; say in `people` which sources stand for people."""

    reason = "PEOPLE_UNKNOWN"


class PeopleNotSaid(FailedPrecondition):
    """Only a batch knows its people; say in `people` which sources stand for them."""

    reason = "PEOPLE_NOT_SAID"


class TooFewToCompare(FailedPrecondition):
    """The user says something in {people} conversations of people and {personas} of personas; at least {fewest_people} and {fewest_personas} are needed."""  # noqa: E501

    reason = "TOO_FEW_TO_COMPARE"


class CalibrationUnfinished(FailedPrecondition):
    """{name} is {state}; only a completed calibration can be rendered."""

    reason = "CALIBRATION_UNFINISHED"


class CalibrationOver(FailedPrecondition):
    """{name} is {state}; only a calibration that is not over can be cancelled."""

    reason = "CALIBRATION_OVER"


class CalibrationNotRetriable(FailedPrecondition):
    """{name} was cancelled; start a new calibration."""

    reason = "CALIBRATION_NOT_RETRIABLE"


class CalibrationNotOver(FailedPrecondition):
    """{name} is {state}; cancel it before you delete it."""

    reason = "CALIBRATION_NOT_OVER"
