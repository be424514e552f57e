"""The personas that come with Greenroom: one data file each, read-only."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from services.synthesizer.personas.model import Persona, read_persona
from shared import yaml

ORDER = (
    "eager-eddie",
    "skeptical-sarah",
    "busy-bob",
    "chatty-cathy",
    "cold-carl",
    "price-conscious-pam",
    "technical-tim",
)
"""The order of lists."""


@cache
def built_in() -> Mapping[str, Persona]:
    """The built-in personas by name, such as `personas/eager-eddie`, in their order."""
    personas = [_read(key) for key in ORDER]
    return MappingProxyType({persona.name: persona for persona in personas})


def _read(key: str) -> Persona:
    file = files("services.synthesizer.personas").joinpath("builtin", f"{key}.yaml")
    record = yaml.load(file.read_text(), file.name)
    return read_persona({**record, "name": f"personas/{key}", "built_in": True})
