"""Requests that may be sent again: each gets what it made before, as it is now, as long as that is there."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

from shared.errors import FailedPrecondition, NotFound

T = TypeVar("T")


class ResultDeleted(FailedPrecondition):
    """The request_id {request_id} was used before, and {name}, which it made, was deleted; choose a new one to start anew."""  # noqa: E501

    reason = "REQUEST_RESULT_DELETED"


@dataclass(frozen=True, slots=True)
class RequestKey:
    """What makes a call the same when it is sent again.

    method: such as `CreatePersona`. request_id: the caller's. digest: of the request's content without the id.
    """

    method: str
    request_id: str
    digest: str


async def first_result(key: RequestKey, name: str, found: Awaitable[T]) -> T:
    """What the request made before. name: what that was. found: the look-up of it. Raises ResultDeleted."""
    try:
        return await found
    except NotFound as gone:
        raise ResultDeleted(request_id=key.request_id, name=name) from gone
