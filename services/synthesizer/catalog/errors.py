"""What can be wrong with a call about a persona, a procedure or a source."""

from shared.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound


class PersonaNotFound(NotFound):
    """There is no persona {name}."""

    reason = "PERSONA_NOT_FOUND"


class PersonaBuiltIn(FailedPrecondition):
    """The persona {name} comes with Greenroom and stays as it is; create one of your own from it."""

    reason = "PERSONA_BUILT_IN"


class ProcedureNotFound(NotFound):
    """There is no procedure {name}."""

    reason = "PROCEDURE_NOT_FOUND"


class RevisionNotFound(NotFound):
    """The procedure {name} has no revision {revision}; its newest is {latest}."""

    reason = "REVISION_NOT_FOUND"


class RevisionInvalid(InvalidArgument):
    """The revision is not as it should be; the field violations say what would be right."""

    reason = "REVISION_INVALID"


class RevisionTooLarge(InvalidArgument):
    """The revision comes to {size} bytes, and {most} are allowed; make its instructions, steps or schemas shorter."""

    reason = "REVISION_TOO_LARGE"


class ProcedureExternalIdTaken(AlreadyExists):
    """There is a procedure with the external id {external_id} already; add a revision to it or choose another id."""

    reason = "EXTERNAL_ID_TAKEN"


class SourceNotFound(NotFound):
    """There is no source {name}."""

    reason = "SOURCE_NOT_FOUND"


class StillReferredTo(FailedPrecondition):
    """{name} cannot be deleted, because {by}; delete what refers to it first."""

    reason = "STILL_REFERRED_TO"


class HeaderExpected(InvalidArgument):
    """The first message of an import is its header; send the header, then the chunks."""

    reason = "HEADER_EXPECTED"


class HeaderRepeated(InvalidArgument):
    """An import has one header, its first message; send nothing but chunks after it."""

    reason = "HEADER_REPEATED"


class UnknownFormat(InvalidArgument):
    """There is no format {format}; there are {known}."""

    reason = "UNKNOWN_FORMAT"
