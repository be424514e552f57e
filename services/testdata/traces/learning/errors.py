"""What can be wrong with a log as a whole; single rows that cannot be read are skipped and counted."""

from shared.errors import InvalidArgument


class LogEmpty(InvalidArgument):
    """There is no call in the log {file}: {why}."""

    reason = "LOG_EMPTY"


class LogMalformed(InvalidArgument):
    """The log {file} cannot be read as {kind} from {place} on: {why}."""

    reason = "LOG_MALFORMED"


class LogTruncated(InvalidArgument):
    """The log {file} ends in the middle of its gzip data, behind {place}; send it whole."""

    reason = "LOG_TRUNCATED"


class LogColumnMissing(InvalidArgument):
    """The log {file} has no column {column} to take the {role} from; it has {columns}."""

    reason = "LOG_COLUMN_MISSING"


class LogColumnUnfit(InvalidArgument):
    """The column {column} of the log {file} cannot be the {role}: its type is {type}."""

    reason = "LOG_COLUMN_UNFIT"


class TooManyEndpoints(InvalidArgument):
    """The log {file} has more than {most} different endpoints by {place}; name them coarser, with no ids in them."""

    reason = "TOO_MANY_ENDPOINTS"


class TooManyEdges(InvalidArgument):
    """The log {file} has {edges} different edges, more than an answer can hold; name the endpoints coarser."""

    reason = "TOO_MANY_EDGES"


class LogTooLong(InvalidArgument):
    """The log {file} has more than {most} calls; learn from a part of it."""

    reason = "LOG_TOO_LONG"
