"""What can be wrong with a log as a whole. A row that cannot be read is not an error: it is skipped and counted."""

from shared.errors import FailedPrecondition, InvalidArgument


class LogEmpty(InvalidArgument):
    """There is no call in the log {file}: {why}."""

    reason = "LOG_EMPTY"


class LogMalformed(InvalidArgument):
    """The log {file} cannot be read as {kind} from {place} on: {why}."""

    reason = "LOG_MALFORMED"


class LogTruncated(InvalidArgument):
    """The log {file} ends in the middle of its gzip data, after {place}; send the complete file."""

    reason = "LOG_TRUNCATED"


class LogColumnMissing(InvalidArgument):
    """The log {file} has no column {column} to take the {role} from; it has {columns}."""

    reason = "LOG_COLUMN_MISSING"


class LogColumnUnfit(InvalidArgument):
    """The column {column} of the log {file} cannot be the {role}: its type is {type}."""

    reason = "LOG_COLUMN_UNFIT"


class TooManyEndpoints(InvalidArgument):
    """The log {file} has more than {most} different endpoints by {place}; use coarser names without ids."""

    reason = "TOO_MANY_ENDPOINTS"


class TooManyEdges(InvalidArgument):
    """The log {file} has {edges} different edges, more than a message can hold; use coarser names for endpoints."""

    reason = "TOO_MANY_EDGES"


class LogTooLong(InvalidArgument):
    """The log {file} has more than {most} calls; learn from a part of it."""

    reason = "LOG_TOO_LONG"


class LogTooLarge(InvalidArgument):
    """The log {file} holds more than {most} bytes when it is unpacked, too many for its size; send it unpacked, or a part of it."""  # noqa: E501

    reason = "LOG_TOO_LARGE"


class LogUnreadable(FailedPrecondition):
    """The log {file} could not be read to its end: {problem}."""

    reason = "LOG_UNREADABLE"
