"""What records are made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.model.packs.model import Constraint, Pack

MOST_ROWS = 10**10
"""The most records of an entity."""


@dataclass(frozen=True, slots=True)
class RecordSpec:
    """What to generate.

    counts: entity → number of records; entities that these need are made too. scenario: an id of the pack, or empty.
    constraints: what the caller asks of fields, beside the scenario.
    """

    pack: Pack
    counts: Mapping[str, int]
    seed: int = 0
    locale: str = "en-GB"
    scenario: str = ""
    constraints: tuple[Constraint, ...] = field(default=())
    production_like: bool = False
