"""What can be wrong with a call about a workflow."""

from shared.errors import AlreadyExists, FailedPrecondition, NotFound


class WorkflowNotFound(NotFound):
    """There is no workflow {name}."""

    reason = "WORKFLOW_NOT_FOUND"


class WorkflowExists(AlreadyExists):
    """The workflow {name} already exists; update it, or choose another name with `as`."""

    reason = "WORKFLOW_EXISTS"


class WorkflowBuiltIn(FailedPrecondition):
    """The workflow {name} is built in and cannot be changed; create your own copy of it."""

    reason = "WORKFLOW_BUILT_IN"
