"""Errors of imports."""

from shared.errors import InvalidArgument


class UnknownFormat(InvalidArgument):
    """There is no format {format}; use {known}."""

    reason = "UNKNOWN_FORMAT"


class TableTooLarge(InvalidArgument):
    """A table has up to {most} bytes; split it into files that have whole conversations."""

    reason = "TABLE_TOO_LARGE"


class FormatNotDetected(InvalidArgument):
    """The beginning of the file looks like none of {known}; say which it is, and write JSON as one object a line.
    For a table with other names of columns add --column conversation=NAME, and so with author and text."""

    reason = "FORMAT_NOT_DETECTED"
