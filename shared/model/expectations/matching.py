"""Compares values that are expected with values that are found."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from shared.model.events import Json
from shared.plain import plain

_LONGEST = 120
"""Characters of a value in a sentence."""
_Expected = TypeVar("_Expected")
_Found = TypeVar("_Found")


def matches(expected: Json, found: Json) -> bool:
    """True if the value is as expected: objects by the expected members, lists item by item.

    A missing member is null.
    """
    if isinstance(expected, Mapping):
        return isinstance(found, Mapping) and all(matches(value, found.get(name)) for name, value in expected.items())
    if isinstance(expected, list):
        return (
            isinstance(found, list)
            and len(expected) == len(found)
            and all(matches(one, other) for one, other in zip(expected, found, strict=True))
        )
    if isinstance(expected, bool) or isinstance(found, bool):
        return expected is found
    return bool(expected == found)


def differences(expected: Mapping[str, Json], found: Mapping[str, Json]) -> list[str]:
    """One phrase for each member that is not as expected, such as `amount is 50 instead of 20`."""
    return [
        f"{name} is {shown(found[name])} instead of {shown(value)}"
        if name in found
        else f"{name} is missing where {shown(value)} is expected"
        for name, value in expected.items()
        if not matches(value, found.get(name))
    ]


def shown(value: Json) -> str:
    """The value in a sentence: JSON on one line, cut."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # protobuf's numbers are doubles
    text = value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
    return plain(text, _LONGEST)


def assigned(
    expected: Sequence[_Expected], found: Sequence[_Found], fits: Callable[[_Expected, _Found], bool]
) -> dict[int, int]:
    """As many as possible of the expected, each with a found one of its own that fits: place expected → place found.

    It is Kuhn's algorithm: of the expected that fit the same, as many as there are found ones get one.
    """
    if not expected or not found:
        return {}
    able = [[place for place, one in enumerate(found) if fits(wanted, one)] for wanted in expected]
    taken: dict[int, int] = {}

    def placed(wanted: int, tried: set[int]) -> bool:
        for place in able[wanted]:
            if place not in tried:
                tried.add(place)
                if place not in taken or placed(taken[place], tried):
                    taken[place] = wanted
                    return True
        return False

    for wanted in range(len(expected)):
        placed(wanted, set())
    return {wanted: place for place, wanted in taken.items()}
