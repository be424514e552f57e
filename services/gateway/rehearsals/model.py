"""A rehearsal: its sides, and how far it is."""

from dataclasses import dataclass, replace
from enum import StrEnum

from shared.auth import Caller


class Phase(StrEnum):
    """How far a rehearsal is."""

    RECORDS = "RECORDS"
    STARTING = "STARTING"
    GENERATING = "GENERATING"
    REPORTING = "REPORTING"
    DONE = "DONE"


UNSTARTED = (Phase.RECORDS, Phase.STARTING)
"""The phases before any conversation runs."""


@dataclass(frozen=True, slots=True)
class Side:
    """The conversations that are judged, or those that they are compared with.

    batch, evaluation: their names; "" before they are started. given: True if the batch is an earlier one, which this
    rehearsal neither plays nor deletes. earlier: evaluations before retries, which older reports stand on.
    judgement: what a judge says of the batch; "" before it is started, and without a judge. judged_before: judgements
    before retries.
    """

    label: str
    batch: str = ""
    evaluation: str = ""
    given: bool = False
    earlier: tuple[str, ...] = ()
    judgement: str = ""
    judged_before: tuple[str, ...] = ()

    def renewed(self) -> "Side":
        """The side before a new evaluation of its batch."""
        return replace(self, evaluation="", earlier=(*self.earlier, self.evaluation))

    def judged_anew(self) -> "Side":
        """The side before a new judgement of its batch."""
        return replace(self, judgement="", judged_before=(*self.judged_before, self.judgement))


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The body of a rehearsal's work.

    spec: a serialized RehearsalSpec with the labels filled in. starter: whose permissions its calls have.
    sides: the side that is judged, then the one that it is compared with, if any. report: "" before.
    resources: the resource set of its records; "" before it is stored, and without records.
    pairs: how many pairs may be played so far, of a rehearsal that is played until it is sure; 0 otherwise.
    attempt: how often it was retried. resumed: False until this attempt has resumed the batches and evaluations.
    """

    spec: bytes
    starter: Caller
    sides: tuple[Side, ...]
    phase: Phase = Phase.STARTING
    report: str = ""
    attempt: int = 0
    resumed: bool = True
    resources: str = ""
    pairs: int = 0

    def with_side(self, number: int, side: Side) -> tuple[Side, ...]:
        """The sides with another one at this place."""
        return (*self.sides[:number], side, *self.sides[number + 1 :])
