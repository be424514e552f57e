"""The jobs of calibrations. Steps measure the conversations of personas, then those of people; the last compares."""

from dataclasses import replace
from typing import Any

from services.evaluator.calibrations.comparing import FEWEST_OF_PERSONA, FEWEST_PEOPLE, compare_events
from services.evaluator.calibrations.errors import TooFewToCompare
from services.evaluator.calibrations.measuring import measure_lines
from services.evaluator.calibrations.model import Calibration, Result
from services.evaluator.calibrations.store import result_columns
from services.evaluator.evaluations.model import EvaluationSpec
from services.evaluator.evaluations.subjects import Subjects
from shared.clock import Clock
from shared.compute import Compute
from shared.work.jobs import Turn, WorkJobs
from shared.work.model import BEGUN, State
from shared.work.store import WorkStore


def calibration_jobs(
    store: WorkStore[Calibration], subjects: Subjects, compute: Compute, clock: Clock
) -> WorkJobs[Calibration]:
    """The engine's jobs for calibrations."""

    async def step(turn: Turn[Calibration]) -> dict[str, Any] | None:
        if turn.work.state is State.PENDING:
            await turn.append(BEGUN)
        body = turn.work.body
        read = await subjects.read(body.starter, subject_of(body), body.position)
        if read.over and not read.lines and not body.reads_people:
            body = replace(body, reads_people=True, position="")
            read = await subjects.read(body.starter, subject_of(body), body.position)
        if read.lines:
            size = sum(len(line.transcript) for line in read.lines)
            events, left_out = await compute.run(measure_lines, read.lines, body.reads_people, reads=size)
            side = "people" if body.reads_people else "personas"
            counts = {side: getattr(body, side) + len(events) - left_out, "left_out": body.left_out + left_out}
            await turn.append(*events, reads_people=body.reads_people, position=read.position, **counts)
        if not read.over or not body.reads_people:
            return None
        stored = await store.events(turn.work)
        found = await compute.run(compare_events, stored)
        if not isinstance(found, Result):
            people, personas = found
            raise TooFewToCompare(
                people=people,
                personas=personas,
                fewest_people=FEWEST_PEOPLE,
                fewest_personas=FEWEST_OF_PERSONA,
            )
        return result_columns(found)

    return WorkJobs(store, step, clock)


def subject_of(body: Calibration) -> EvaluationSpec:
    """The conversations that are read now."""
    spec = body.spec
    if body.reads_people:
        return EvaluationSpec(sources=spec.people)
    return EvaluationSpec(batch=spec.batch, sources=spec.sources, conversations=spec.conversations)
