"""What records are made from."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from shared.model.packs.model import Constraint, Pack, Severity

EXAMPLES = 5
"""The most records that are named for a rule."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a caller asks for.

    source: a schema, a domain with or without a revision, or a pack as YAML. digest: of the domain's revision, or "".
    """

    source: str | bytes
    digest: str
    counts: Mapping[str, int]
    seed: int
    locale: str
    scenario: str
    constraints: tuple[Constraint, ...]
    production_like: bool


@dataclass(frozen=True, slots=True)
class RecordSpec:
    """What to generate.

    counts: entity → number of records; entities that these need are made too. scenario: an id of the pack, or empty.
    constraints: what the caller asks of fields, beside the scenario. production_like: with skewed, seasonal and
    correlated values.
    """

    pack: Pack
    counts: Mapping[str, int]
    seed: int = 0
    locale: str = "en-GB"
    scenario: str = ""
    constraints: tuple[Constraint, ...] = ()
    production_like: bool = False


@dataclass(frozen=True, slots=True)
class Checked:
    """How one rule fares. Records for which it is unknown are neither held nor violated.

    examples: numbers of records that violate it, from 0.
    """

    rule: str
    entity: str
    text: str
    severity: Severity
    checked: int = 0
    held: int = 0
    violated: int = 0
    examples: tuple[int, ...] = ()

    def plus(self, other: "Checked") -> "Checked":
        """Both together."""
        return replace(
            self,
            checked=self.checked + other.checked,
            held=self.held + other.held,
            violated=self.violated + other.violated,
            examples=(self.examples + other.examples)[:EXAMPLES],
        )


def together(one: list[Checked], other: list[Checked]) -> list[Checked]:
    """The checks of two parts of the records."""
    if not one:
        return other
    more = {(check.rule, check.entity): check for check in other}
    return [
        check.plus(more.get((check.rule, check.entity), replace(check, checked=0, held=0, violated=0, examples=())))
        for check in one
    ]
