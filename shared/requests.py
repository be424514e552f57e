"""Requests that may be sent again: a repeated request returns the resource that its first sending made."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

from shared.errors import FailedPrecondition, NotFound

T = TypeVar("T")


class ResultDeleted(FailedPrecondition):
    """The request_id {request_id} created {name}, which was deleted since; choose a new request_id."""

    reason = "REQUEST_RESULT_DELETED"


@dataclass(frozen=True, slots=True)
class RequestKey:
    """Identifies a request: two calls with equal keys are the same request.

    method: such as `CreatePersona`. request_id: chosen by the caller. digest: hash of the request without its id.
    """

    method: str
    request_id: str
    digest: str


async def first_result(key: RequestKey, name: str, found: Awaitable[T]) -> T:
    """The resource `name` that the request made before. found: the call that gets it. Raises ResultDeleted."""
    try:
        return await found
    except NotFound as gone:
        raise ResultDeleted(request_id=key.request_id, name=name) from gone
