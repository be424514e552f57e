"""Where a fault is, and what a name that is not known may have been meant to be."""

from collections.abc import Iterable
from json import dumps

from shared.yaml import near

_GUESSES = 20
"""For how many names one that is near is looked for: among 2,000 endpoints that takes a tenth of a second each."""


def at(field: str, key: str) -> str:
    """The path to the member of a map, as `transitions["login"]`."""
    return f"{field}[{dumps(key, ensure_ascii=False)}]"


class Names:
    """The endpoints that there are."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)
        self._guesses = _GUESSES

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def unknown(self, name: str) -> str:
        """The sentence about a name that is none of them, or only by mistake."""
        self._guesses -= 1
        meant = near(name, self._names - {name}) if self._guesses >= 0 else ""
        return f"There is no endpoint `{name}`{meant}."
