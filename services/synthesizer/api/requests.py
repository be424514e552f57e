"""What a request says about itself: whether it was sent before."""

from hashlib import sha256
from typing import Any

from services.synthesizer.ports import RequestKey
from shared.errors import InvalidArgument, Violation


def request_key(request: Any, method: str) -> RequestKey | None:
    """What makes the request the same when it is sent again; None if it carries no request_id.

    Raises InvalidArgument for an id with the character NUL, which no database keeps.
    """
    if not request.request_id:
        return None
    check_no_nul(request.request_id, "request_id")
    content = type(request)()
    content.CopyFrom(request)
    content.ClearField("request_id")
    return RequestKey(method, request.request_id, sha256(content.SerializeToString(deterministic=True)).hexdigest())


def check_no_nul(text: str, field: str) -> None:
    """Raises InvalidArgument for text with the character NUL, which PostgreSQL cannot even compare."""
    if "\0" in text:
        raise InvalidArgument(violations=[Violation(field, "Must not hold the character NUL.")])
