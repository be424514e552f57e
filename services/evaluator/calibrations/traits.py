"""In which measure a declared trait of a persona should show."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from shared.yaml import load_file

_TRAITS = load_file(Path(__file__).with_name("traits.yaml"))


class Trait(NamedTuple):
    """A declared trait, such as `response_length SHORT`, and the measure that should be above or below people."""

    name: str
    measure: str
    above: bool


def traits_of(persona: Mapping[str, Any]) -> list[Trait]:
    """The traits that show in a measure, of a persona in proto JSON."""
    return list(_found(persona))


def _found(persona: Mapping[str, Any]) -> Iterator[Trait]:
    personality = persona.get("personality", {})
    for field in ("response_length", "objection_likelihood"):
        value = personality.get(field, "").removeprefix(f"{field.upper()}_")
        yield from _listed(field, value, f"{field} {value}")
    for word in personality.get("tone", "").lower().replace(",", " ").split():
        yield from _listed("tone", word, f"tone {word}")
    for trait in persona.get("behaviour_traits", ()):
        yield from _listed("behaviour_traits", trait, trait)


def _listed(field: str, value: str, name: str) -> Iterator[Trait]:
    for measure, way in _TRAITS[field].get(value, {}).items():
        yield Trait(name, measure, way == "above")
