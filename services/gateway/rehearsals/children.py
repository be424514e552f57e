"""What a rehearsal starts: batches, evaluations, judgements and a report.

An adapter implements it with calls to their services.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.gateway.rehearsals.model import Side
from shared.auth import Caller
from shared.statistics.until_sure import Outcome


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an evaluation or a judgement is.

    over: True when it ends. results: how many conversations have one. cancelled, reason, detail: how it ended, if not
    well.
    """

    over: bool
    results: int = 0
    cancelled: bool = False
    reason: str = ""
    detail: str = ""

    @property
    def well(self) -> bool:
        """True if every conversation has a result."""
        return self.over and not self.cancelled and not self.reason


class Children(Protocol):
    """Each method acts for `who`, and can be repeated.

    Raises Unavailable while a service cannot be reached, and what it refuses with its own code, reason and sentence.

    spec: a serialized RehearsalSpec. number: of a side. key: names a repeated request.
    """

    async def settled(self, who: Caller, spec: bytes) -> bytes:
        """The spec with the revision of the domain of its records, their entities, and its rubric's revision."""
        ...

    async def check(self, who: Caller, spec: bytes) -> None:
        """Refuse what starting refuses, and start nothing."""
        ...

    async def played(self, who: Caller, spec: bytes, batch: str) -> list[int]:
        """The indexes of the conversations of a batch that is given as a baseline. Raises BaselineUnlike."""
        ...

    async def not_passed(self, who: Caller, side: Side) -> list[int]:
        """The indexes of the conversations of a side that failed or did not pass."""
        ...

    async def make_records(self, who: Caller, spec: bytes, key: str) -> str:
        """Make the records of a spec and store them as a resource set; returns its name."""
        ...

    async def create_batch(self, who: Caller, spec: bytes, number: int, judged: str, resources: str, key: str) -> str:
        """Create the batch of a side without starting it; returns its name.

        judged: the batch of the side that is judged, whose sources and personas the other side has; "" for itself.
        resources: the resource set that its conversations use, too; "" for none.
        """
        ...

    async def start_evaluation(self, who: Caller, spec: bytes, batch: str, key: str) -> str:
        """Start to evaluate a batch; returns the name of the evaluation."""
        ...

    async def start_judgement(self, who: Caller, spec: bytes, batch: str, key: str) -> str:
        """Start to judge a batch; returns the name of the judgement."""
        ...

    async def run_batch(self, who: Caller, batch: str, first: int = 0) -> None:
        """Start the conversations of a batch that was created: the first ones by index, or all."""
        ...

    async def leave_out(self, who: Caller, batch: str) -> None:
        """End the conversations of a batch that were not started."""
        ...

    async def outcomes(self, who: Caller, sides: Sequence[Side], pairs: int) -> Sequence[Outcome] | None:
        """Whether both sides passed, for the first pairs by index; None while one of these has no result."""
        ...

    async def evaluation(self, who: Caller, evaluation: str) -> Progress:
        """How far an evaluation is."""
        ...

    async def judgement(self, who: Caller, judgement: str) -> Progress:
        """How far a judgement is."""
        ...

    async def failed(self, who: Caller, batch: str) -> int:
        """How many conversations of a batch failed."""
        ...

    async def resume(self, who: Caller, side: Side) -> bool:
        """Retry the failed conversations of a side's batch, and its evaluation; True if that must be started anew."""
        ...

    async def judge_again(self, who: Caller, side: Side) -> bool:
        """Retry the judgement of a side; True if that must be started anew."""
        ...

    async def build_report(self, who: Caller, spec: bytes, sides: Sequence[Side], key: str) -> str:
        """Build the report about the sides; returns its name."""
        ...

    async def cancel(self, who: Caller, side: Side) -> bool:
        """Cancel the evaluation, the judgement and the batch of a side; True when all are over."""
        ...

    async def delete(self, who: Caller, sides: Sequence[Side], resources: str) -> None:
        """Delete the reports, evaluations, judgements and batches of the sides, as far as they exist.

        Also the resource set, if there is one and nothing else uses it.
        """
        ...
