"""What an import gives: a campaign, and what became of each part of the file."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from shared.model.campaigns.model import Campaign
from shared.model.events import Json


class Outcome(StrEnum):
    """What became of a part: read as it is, only approximated, or left out."""

    READ = "READ"
    APPROXIMATED = "APPROXIMATED"
    LEFT_OUT = "LEFT_OUT"


@dataclass(frozen=True, slots=True)
class Part:
    """A node of the file. steps: the ids of its steps. reasons: sentences; none for what was read as it is."""

    name: str
    kind: str
    outcome: Outcome
    steps: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Output:
    """An output of a node that branches. edges: (step, branch), one of which is taken when the output is."""

    name: str
    number: int
    edges: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Imported:
    """A campaign that was read from a file of another product.

    conditions: the comparisons that the file makes. evaluated: how many of them are conditions of the campaign; the
    others have a reason at their part.
    """

    campaign: Campaign
    parts: Sequence[Part] = ()
    outputs: Sequence[Output] = ()
    conditions: int = 0
    evaluated: int = 0


Attachment = tuple[str, Json]
"""The name of a file beside the imported one, and its content: a text, or the document in it."""
