"""Errors of workflows and parameters."""

from shared.errors import InvalidArgument, OutOfRange


class WorkflowInvalid(InvalidArgument):
    """The workflow has {faults}; the field violations say what would be right."""

    reason = "WORKFLOW_INVALID"


class ParametersInvalid(InvalidArgument):
    """The parameters are invalid; the field violations say what would be right."""

    reason = "PARAMETERS_INVALID"


class SessionOutOfRange(OutOfRange):
    """There is no session {session}; the workflow and the parameters give {count} sessions."""

    reason = "SESSION_OUT_OF_RANGE"
