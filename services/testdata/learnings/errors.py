"""What can be wrong with a learning, or with a call about one."""

from shared.errors import FailedPrecondition, InvalidArgument, NotFound, Unavailable


class LearningNotFound(NotFound):
    """There is no learning {name}."""

    reason = "LEARNING_NOT_FOUND"


class LearningNotCancellable(FailedPrecondition):
    """{name} is {state}; only a learning that is not over can be cancelled."""

    reason = "LEARNING_OVER"


class LearningNotRetriable(FailedPrecondition):
    """{name} was cancelled; start a new learning."""

    reason = "LEARNING_NOT_RETRIABLE"


class LearningNotOver(FailedPrecondition):
    """{name} is {state}; cancel it before you delete it."""

    reason = "LEARNING_NOT_OVER"


class LearningNotCompleted(FailedPrecondition):
    """{name} is {state}; only a COMPLETED learning can be used."""

    reason = "LEARNING_NOT_COMPLETED"


class LearningFailed(FailedPrecondition):
    """The learning process ended {times} times, usually because memory ran out; learn from a part of the log."""

    reason = "LEARNING_FAILED"


class ExportMissing(Unavailable):
    """The exports of {name} are on another server's disk; ask that server, or let the servers share one data folder."""

    reason = "EXPORT_MISSING"


class StorageFailed(FailedPrecondition):
    """The server cannot write to its data folder: {problem}; correct that, then learn again."""

    reason = "LEARNING_STORAGE_FAILED"


class UploadTooLarge(InvalidArgument):
    """An uploaded log may have up to {most} bytes; use StartLearning for a larger one."""

    reason = "UPLOAD_TOO_LARGE"


class InputNotAllowed(InvalidArgument):
    """Logs are read only below the server's input roots; the field violation says which paths are allowed."""

    reason = "INPUT_NOT_ALLOWED"


class InputNotFound(NotFound):
    """There is no log at {path} below the server's input roots."""

    reason = "INPUT_NOT_FOUND"


class InputUnreadable(FailedPrecondition):
    """The server may not read the log at {path}; let its user read it, then start a new learning."""

    reason = "INPUT_UNREADABLE"


class FormatMissing(InvalidArgument):
    """Set `format` for a log at a path, and leave it unset for a dataset; see the field violation."""

    reason = "FORMAT_MISSING"


class DatasetNotLearnable(FailedPrecondition):
    """{name} cannot be learned from: {why}."""

    reason = "DATASET_NOT_LEARNABLE"
