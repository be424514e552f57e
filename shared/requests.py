"""Requests that may be sent again."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RequestKey:
    """What makes a call the same when it is sent again.

    method: such as `CreatePersona`. request_id: the caller's. digest: of the request's content without the id.
    """

    method: str
    request_id: str
    digest: str
