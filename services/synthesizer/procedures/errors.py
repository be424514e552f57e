"""Errors of calls about procedures."""

from shared.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound


class ProcedureNotFound(NotFound):
    """There is no procedure {name}."""

    reason = "PROCEDURE_NOT_FOUND"


class RevisionNotFound(NotFound):
    """The procedure {name} has no revision {revision}; its newest is {latest}."""

    reason = "REVISION_NOT_FOUND"


class RevisionInvalid(InvalidArgument):
    """The revision is not valid; the field violations say what would be right."""

    reason = "REVISION_INVALID"


class RevisionTooLarge(InvalidArgument):
    """The revision has {size} bytes and may have {most}; make its instructions, steps or schemas shorter."""

    reason = "REVISION_TOO_LARGE"


class ProcedureExternalIdTaken(AlreadyExists):
    """The external id {external_id} is taken; revise that procedure (`procedures revise`) or choose another id."""

    reason = "EXTERNAL_ID_TAKEN"


class RevisionReady(FailedPrecondition):
    """Revision {revision} of {name} is READY and cannot change; add a new revision."""

    reason = "REVISION_READY"


class OnlyRevision(FailedPrecondition):
    """Revision {revision} is the only one of {name}, and a procedure has at least one; delete the procedure."""

    reason = "ONLY_REVISION"
