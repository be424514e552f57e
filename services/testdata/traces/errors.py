"""What can be wrong with a call about a workflow."""

from shared.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, OutOfRange


class WorkflowInvalid(InvalidArgument):
    """The workflow has {faults}; the field violations say what would be right."""

    reason = "WORKFLOW_INVALID"


class WorkflowNotFound(NotFound):
    """There is no workflow {name}."""

    reason = "WORKFLOW_NOT_FOUND"


class WorkflowExists(AlreadyExists):
    """There is a workflow {name} already; update it, or choose another name with `as`."""

    reason = "WORKFLOW_EXISTS"


class WorkflowBuiltIn(FailedPrecondition):
    """The workflow {name} comes with Greenroom and stays as it is; create one of your own from it."""

    reason = "WORKFLOW_BUILT_IN"


class ParametersInvalid(InvalidArgument):
    """The parameters are not as they should be; the field violations say what would be right."""

    reason = "PARAMETERS_INVALID"


class SessionOutOfRange(OutOfRange):
    """There is no session {session}; the workflow and the parameters give {count} of them."""

    reason = "SESSION_OUT_OF_RANGE"
