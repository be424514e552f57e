"""The error catalogue's trunk: one class a canonical code, one subclass a reason.

A subclass's docstring is the sentence its caller reads, filled in with the keywords it was raised with:

    class SourceNotFinished(FailedPrecondition):
        \"\"\"The source conversation {source} has not finished; only finished conversations can be rehearsed.\"\"\"

        reason = "SOURCE_NOT_FINISHED"

    raise SourceNotFinished(source=name)

The sentence reaches the client unchanged, so it holds no exception text, SQL, path or key. `shared/rpc` turns the
code, the reason and the violations into a status; nothing here knows of gRPC.
"""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Violation:
    """One field that is to blame.

    field: its path in the request, dotted and indexed, such as `spec.tool_config.mocks[2].tool`.
    description: what is wrong and what would be right, one sentence.
    """

    field: str
    description: str


class GreenroomError(Exception):
    """An internal error occurred."""

    code: ClassVar[str] = "INTERNAL"
    """The canonical status code's name."""
    reason: ClassVar[str] = "INTERNAL"
    """What programs match on: UPPER_SNAKE, stable, unique within the domain `greenroom`."""

    def __init__(self, *, violations: Sequence[Violation] = (), **details: object) -> None:
        self.violations = tuple(violations)
        self.details = {key: str(value) for key, value in details.items()}
        sentence = inspect.cleandoc(type(self).__doc__ or "").split("\n\n")[0].replace("\n", " ")
        super().__init__(sentence.format(**details))

    def __reduce__(self) -> tuple[object, ...]:
        # Other exceptions are made again from their sentence; these are made from what fills it in, in any form.
        return _again, (type(self), str(self), self.violations, self.details)


def _again(
    kind: type[GreenroomError], sentence: str, violations: tuple[Violation, ...], details: dict[str, str]
) -> GreenroomError:
    """An error that another process raised, as it was."""
    error = kind.__new__(kind, sentence)
    error.violations, error.details = violations, details
    return error


class InvalidArgument(GreenroomError):
    """The request is not valid; its field violations say what would be."""

    code = "INVALID_ARGUMENT"
    reason = "INVALID_ARGUMENT"


class OutOfRange(GreenroomError):
    """The request asks for what lies outside the range that exists."""

    code = "OUT_OF_RANGE"
    reason = "OUT_OF_RANGE"


class NotFound(GreenroomError):
    """There is no {name}."""

    code = "NOT_FOUND"
    reason = "NOT_FOUND"


class AlreadyExists(GreenroomError):
    """There is a {name} already."""

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


class Unavailable(GreenroomError):
    """The service cannot answer now; try again."""

    code = "UNAVAILABLE"
    reason = "UNAVAILABLE"
