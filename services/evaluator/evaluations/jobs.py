"""The jobs of evaluations. Each step scores some conversations or waits seconds for one, so that they take turns."""

from collections.abc import Sequence
from typing import Any

from services.evaluator.evaluations.model import (
    Evaluation,
    Line,
    NewResult,
    counted,
    pack_result,
)
from services.evaluator.evaluations.scoring import Task, keys, revisions_of, scores
from services.evaluator.evaluations.store import EvaluationStore
from services.evaluator.evaluations.subjects import Subjects
from shared.clock import Clock
from shared.compute import Compute
from shared.work.jobs import Turn, WorkJobs
from shared.work.model import BEGUN, State, Work


def evaluation_jobs(store: EvaluationStore, subjects: Subjects, compute: Compute, clock: Clock) -> WorkJobs[Evaluation]:
    """The engine's jobs for evaluations."""

    async def step(turn: Turn[Evaluation]) -> dict[str, Any] | None:
        if turn.work.state is State.PENDING:
            await turn.append(BEGUN)
        evaluation = turn.work.body
        read = await subjects.read(evaluation.starter, evaluation.spec, evaluation.position)
        if read.lines:
            new = await _results(turn.work, read.lines)
            replaced = await store.at(turn.work, [one.index for one in new])
            await turn.append(
                *(one.event for one in new),
                also=store.rows(turn.work, new),
                position=read.position,
                **counted(evaluation, replaced, new),
            )
        return {} if read.over else None

    async def _results(work: Work[Evaluation], lines: Sequence[Line]) -> list[NewResult]:
        """The results of conversations, the last of each place; scores that are known are not computed again."""
        evaluation, size = work.body, sum(len(line.transcript) for line in lines)
        wanted = await compute.run(revisions_of, lines, reads=size)
        revisions = {one: await subjects.revision(evaluation.starter, *one) for one in sorted(wanted)}
        keyed = await compute.run(keys, Task(lines, evaluation.spec, revisions), reads=size)
        known = await store.known(work.company, {one.key for one in keyed})
        unknown = [line for line, one in zip(lines, keyed, strict=True) if one.key not in known]
        computed = iter(await compute.run(scores, Task(unknown, evaluation.spec, revisions), reads=size))
        found: dict[int, NewResult] = {}
        for place, one in enumerate(keyed, evaluation.count):
            reused = one.key in known
            scored = known[one.key] if reused else next(computed)
            index = one.place if evaluation.spec.batch else place
            event = pack_result(one.name, index, reused, scored.document)
            found[index] = NewResult(one.name, index, one.key, scored.outcome, reused, scored.quality, event)
        return list(found.values())

    return WorkJobs(store, step, clock)
