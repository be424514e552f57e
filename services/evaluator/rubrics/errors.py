"""What can be wrong with a rubric, or with a call about one."""

from shared.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound


class RubricInvalid(InvalidArgument):
    """{file} has {problems} and was not read; the field violations give their lines and columns."""

    reason = "RUBRIC_INVALID"


class RubricNotFound(NotFound):
    """There is no rubric {name}."""

    reason = "RUBRIC_NOT_FOUND"


class RubricRevisionNotFound(NotFound):
    """The rubric {name} has no revision {revision}; its newest is {latest}."""

    reason = "RUBRIC_REVISION_NOT_FOUND"


class RubricRevisionReady(FailedPrecondition):
    """Revision {revision} of {name} is READY and cannot change; add a new revision."""

    reason = "RUBRIC_REVISION_READY"


class OnlyRubricRevision(FailedPrecondition):
    """Revision {revision} is the only one of {name}, and a rubric has at least one; delete the rubric."""

    reason = "ONLY_RUBRIC_REVISION"


class RubricExternalIdTaken(AlreadyExists):
    """The external id {external_id} is taken; revise that rubric (`rubrics revise`) or choose another id."""

    reason = "RUBRIC_EXTERNAL_ID_TAKEN"
