"""What the offline model says of its own accord, from wording.yaml: small phrases, one of which is drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from shared.yaml import load

Phrases = Sequence[str]


@dataclass(frozen=True, slots=True)
class Wording:
    """agent, persona: phrases by use; traits, tones: by a persona's trait or a word of its tone, then by use."""

    agent: Mapping[str, Phrases]
    persona: Mapping[str, Phrases]
    tones: Mapping[str, Mapping[str, Phrases]]
    traits: Mapping[str, Mapping[str, Phrases]]


@cache
def wording() -> Wording:
    """The phrases of wording.yaml."""
    path = Path(__file__).with_name("wording.yaml")
    return Wording(**load(path.read_bytes(), path.name))
