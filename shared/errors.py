"""The base classes of all errors: one class per canonical code, one subclass per reason.

The docstring of a subclass is the sentence that the caller reads. Keyword arguments fill its placeholders:

    class SourceNotFinished(FailedPrecondition):
        \"\"\"The source conversation {source} has not finished; only finished conversations can be rehearsed.\"\"\"

        reason = "SOURCE_NOT_FINISHED"

    raise SourceNotFinished(source=name)

The sentence reaches the client unchanged, so it must not contain exception text, SQL, paths or keys. `shared/rpc` turns
code, reason and violations into a gRPC status.
"""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Violation:
    """A field of the request that is wrong.

    field: its path, such as `spec.tool_config.mocks[2].tool`.
    description: one sentence that says what is wrong and what would be right.
    """

    field: str
    description: str


class GreenroomError(Exception):
    """An internal error occurred."""

    code: ClassVar[str] = "INTERNAL"
    """The name of the canonical status code."""
    reason: ClassVar[str] = "INTERNAL"
    """UPPER_SNAKE, stable and unique in the domain `greenroom`; programs match on it."""

    def __init__(self, *, violations: Sequence[Violation] = (), **details: object) -> None:
        self.violations = tuple(violations)
        self.details = {key: str(value) for key, value in details.items()}
        sentence = inspect.cleandoc(type(self).__doc__ or "").split("\n\n")[0].replace("\n", " ")
        super().__init__(sentence.format(**details))

    def __reduce__(self) -> tuple[object, ...]:
        # By default, unpickling would call the class with the sentence; the class takes keyword arguments instead.
        return _restored, (type(self), str(self), self.violations, self.details)


def _restored(
    kind: type[GreenroomError], sentence: str, violations: tuple[Violation, ...], details: dict[str, str]
) -> GreenroomError:
    """The error that another process pickled."""
    error = kind.__new__(kind, sentence)
    error.violations, error.details = violations, details
    return error


def repeated(
    kind: type[GreenroomError], reason: str, sentence: str, violations: tuple[Violation, ...], details: dict[str, str]
) -> GreenroomError:
    """The error that another service answered, to say it again. kind: the base class of its code."""
    error = _restored(kind, sentence, violations, details)
    vars(error)["reason"] = reason
    return error


class InvalidArgument(GreenroomError):
    """The request is not valid; see the field violations."""

    code = "INVALID_ARGUMENT"
    reason = "INVALID_ARGUMENT"


class OutOfRange(GreenroomError):
    """The request asks for something outside the existing range."""

    code = "OUT_OF_RANGE"
    reason = "OUT_OF_RANGE"


class NotFound(GreenroomError):
    """{name} does not exist."""

    code = "NOT_FOUND"
    reason = "NOT_FOUND"


class AlreadyExists(GreenroomError):
    """{name} already exists."""

    code = "ALREADY_EXISTS"
    reason = "ALREADY_EXISTS"


class FailedPrecondition(GreenroomError):
    """The state of {name} does not allow this."""

    code = "FAILED_PRECONDITION"
    reason = "FAILED_PRECONDITION"


class Aborted(GreenroomError):
    """Another call changed {name} at the same time; read it again and repeat the call."""

    code = "ABORTED"
    reason = "ABORTED"


class PermissionDenied(GreenroomError):
    """The caller lacks the permission {permission}."""

    code = "PERMISSION_DENIED"
    reason = "PERMISSION_DENIED"


class Unauthenticated(GreenroomError):
    """The call carries no valid bearer token."""

    code = "UNAUTHENTICATED"
    reason = "UNAUTHENTICATED"


class DeadlineExceeded(GreenroomError):
    """The call took longer than it may; try again."""

    code = "DEADLINE_EXCEEDED"
    reason = "DEADLINE_EXCEEDED"


class DataLoss(GreenroomError):
    """Stored data is damaged."""

    code = "DATA_LOSS"
    reason = "DATA_LOSS"


class Unavailable(GreenroomError):
    """The service cannot answer now; try again."""

    code = "UNAVAILABLE"
    reason = "UNAVAILABLE"
