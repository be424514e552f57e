"""Values of expressions and templates as JSON."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from shared.model.events import Json
from shared.model.numbers import INEXACT, inexact


class NotJson(ValueError):
    """JSON has no such value; the message says which part."""


def json_value(value: Any) -> Json:
    """The value as JSON, with lists and objects of its own. Raises NotJson."""
    found = _plain(value)
    if inexact(found, "") is not None:
        raise NotJson(f"the result {INEXACT}")
    return found


def _plain(value: Any) -> Json:
    if isinstance(value, Mapping):
        if not all(isinstance(name, str) for name in value):
            raise NotJson("the result has a member whose name is not text")
        return {str(name): _plain(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, str):
        return str(value)
    if value is None or isinstance(value, bool | int) or (isinstance(value, float) and isfinite(value)):
        return value
    raise NotJson("the result has a part that is no JSON")
