"""Errors of calls about recordings."""

from shared.errors import NotFound


class RecordingNotFound(NotFound):
    """There is no recording {name}."""

    reason = "RECORDING_NOT_FOUND"


class RecordingsNotFound(NotFound):
    """There are no recordings of {batch}."""

    reason = "RECORDINGS_NOT_FOUND"
