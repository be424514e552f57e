"""Paths of fields, and suggestions for unknown endpoints."""

from collections.abc import Iterable
from json import dumps

from shared.yaml import near

_SUGGESTIONS = 20
"""The most suggestions for one workflow: with 2,000 endpoints, each takes a tenth of a second."""


def at(field: str, key: str) -> str:
    """The path of a member of a map, such as `transitions["login"]`."""
    return f"{field}[{dumps(key, ensure_ascii=False)}]"


class Names:
    """The endpoints of a workflow."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)
        self._suggestions = _SUGGESTIONS

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def unknown(self, name: str) -> str:
        """The sentence about an unknown endpoint, with a similar name if there is one."""
        self._suggestions -= 1
        meant = near(name, self._names - {name}) if self._suggestions >= 0 else ""
        return f"There is no endpoint `{name}`{meant}."
