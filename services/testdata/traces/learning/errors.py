"""What can be wrong with a log as a whole, or with a call about a learning. Rows that cannot be read are no errors."""

from shared.errors import FailedPrecondition, InvalidArgument, NotFound, Unavailable


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


class LearningNotFound(NotFound):
    """There is no learning {name}."""

    reason = "LEARNING_NOT_FOUND"


class LearningNotCancellable(FailedPrecondition):
    """{name} is {state}; only a learning that is not over can be cancelled."""

    reason = "LEARNING_OVER"


class LearningNotOver(FailedPrecondition):
    """{name} is {state}; cancel it before it is deleted."""

    reason = "LEARNING_NOT_OVER"


class LearningNotCompleted(FailedPrecondition):
    """{name} is {state}; only what a completed learning learned can be used."""

    reason = "LEARNING_NOT_COMPLETED"


class LearningFailed(FailedPrecondition):
    """The process that learned ended {times} times, as it does when memory runs out; learn from a part of the log."""

    reason = "LEARNING_FAILED"


class ExportMissing(Unavailable):
    """The exports of {name} are on another server's disk; ask that one, or give the servers one data folder."""

    reason = "EXPORT_MISSING"


class LogUnreadable(FailedPrecondition):
    """The log {file} could not be read to its end: {problem}."""

    reason = "LOG_UNREADABLE"


class StorageFailed(FailedPrecondition):
    """The server cannot write what it learns below its data folder: {problem}; correct that, then learn again."""

    reason = "LEARNING_STORAGE_FAILED"


class UploadTooLarge(InvalidArgument):
    """A log that comes with the call has at most {most} bytes; let the server read larger ones with StartLearning."""

    reason = "UPLOAD_TOO_LARGE"


class InputNotAllowed(InvalidArgument):
    """Logs are read below the server's input roots only; the field violation says what would be right."""

    reason = "INPUT_NOT_ALLOWED"


class InputNotFound(NotFound):
    """There is no log at {path} below the server's input roots."""

    reason = "INPUT_NOT_FOUND"


class InputUnreadable(FailedPrecondition):
    """The server may not read the log at {path}; let its user read it, then start a new learning."""

    reason = "INPUT_UNREADABLE"


class FormatMissing(InvalidArgument):
    """A path's log needs a `format`, and a dataset's has one; the field violation says which."""

    reason = "FORMAT_MISSING"


class DatasetNotLearnable(FailedPrecondition):
    """{name} cannot be learned from: {why}."""

    reason = "DATASET_NOT_LEARNABLE"


class HeaderExpected(InvalidArgument):
    """The first message of a log is its header; send the header, then the chunks."""

    reason = "HEADER_EXPECTED"


class HeaderRepeated(InvalidArgument):
    """A log has one header, its first message; send nothing but chunks after it."""

    reason = "HEADER_REPEATED"
