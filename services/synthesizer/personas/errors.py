"""Errors of calls about personas."""

from shared.errors import FailedPrecondition, NotFound


class PersonaNotFound(NotFound):
    """There is no persona {name}."""

    reason = "PERSONA_NOT_FOUND"


class PersonaBuiltIn(FailedPrecondition):
    """The persona {name} comes with Greenroom and cannot change; create your own from it."""

    reason = "PERSONA_BUILT_IN"
