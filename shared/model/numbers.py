"""Numbers that do not survive a journey through gRPC, whose Struct has only doubles."""

from collections.abc import Mapping

from shared.model.events import Json

LIMIT = 2**53
"""From this size on, a double cannot tell a whole number from its neighbours."""
INEXACT = "has a whole number of 2^53 or more, which a double cannot tell from its neighbours; write it as text"
"""What is wrong with a number, for sentences that begin with its path."""


def inexact(value: Json, path: str) -> str | None:
    """The path of a number in a JSON value that is whole and too large to be exact; None if there is none."""
    # A stack instead of recursion, because imported values may be nested deeply.
    waiting: list[tuple[Json, str]] = [(value, path)]
    while waiting:
        one, at = waiting.pop()
        if isinstance(one, Mapping):
            waiting += [(member, f"{at}.{name}") for name, member in one.items() if not isinstance(member, str)]
        elif isinstance(one, list | tuple):
            waiting += [(item, f"{at}[{number}]") for number, item in enumerate(one) if not isinstance(item, str)]
        elif isinstance(one, int | float) and LIMIT <= abs(one) < float("inf"):
            return at
    return None
