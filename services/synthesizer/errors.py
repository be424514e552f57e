"""Errors that several nouns of the synthesizer raise."""

from shared.errors import FailedPrecondition


class StillReferredTo(FailedPrecondition):
    """{name} cannot be deleted, because {by}; delete what refers to it first."""

    reason = "STILL_REFERRED_TO"
