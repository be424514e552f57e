"""What a request says about itself: whether it was sent before."""

from hashlib import sha256
from typing import Any

from shared.requests import RequestKey


def request_key(request: Any, method: str) -> RequestKey | None:
    """What makes the request the same when it is sent again; None if it carries no request_id."""
    if not request.request_id:
        return None
    content = type(request)()
    content.CopyFrom(request)
    content.ClearField("request_id")
    return RequestKey(method, request.request_id, sha256(content.SerializeToString(deterministic=True)).hexdigest())
