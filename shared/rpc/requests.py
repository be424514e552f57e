"""The key that identifies a repeated request."""

from hashlib import sha256
from typing import Any

from shared.requests import RequestKey


def request_key(request: Any, method: str) -> RequestKey | None:
    """The key of a request: method, request_id and content hash. None without a request_id."""
    if not request.request_id:
        return None
    content = type(request)()
    content.CopyFrom(request)
    content.ClearField("request_id")
    return RequestKey(method, request.request_id, sha256(content.SerializeToString(deterministic=True)).hexdigest())
