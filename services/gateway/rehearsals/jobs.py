"""The jobs of rehearsals: each step starts something, or waits a moment for what was started."""

import asyncio
from dataclasses import replace
from typing import Any

from services.gateway.rehearsals.children import Children
from services.gateway.rehearsals.errors import (
    EvaluationBroken,
    EvaluationStopped,
    JudgementBroken,
    JudgementStopped,
)
from services.gateway.rehearsals.messages import has_judge, rule_of
from services.gateway.rehearsals.model import Phase, Rehearsal, Side
from shared.clock import Clock
from shared.statistics.until_sure import Rule, stopped
from shared.work.jobs import Turn, WorkJobs
from shared.work.model import BEGUN, State, Work
from shared.work.store import WorkStore

WENT_ON = b'{"milestone":"went on"}'
"""The event of everything that is started, and of each phase; the row says what."""

_PAUSES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.5)
"""Seconds between two looks at the evaluations; a step takes 2 s, so that rehearsals take turns."""
_ENDING = 0.2
"""Seconds between two looks at children that are cancelled."""


class RehearsalSteps:
    """Takes rehearsals from phase to phase. Every step can be repeated, because each child has a request id."""

    def __init__(self, children: Children) -> None:
        self._children = children

    async def step(self, turn: Turn[Rehearsal]) -> dict[str, Any] | None:
        """One step; None until there is a report."""
        if turn.work.state is State.PENDING:
            await turn.append(BEGUN)
        match turn.work.body.phase:
            case Phase.RECORDS:
                await self._make_records(turn)
            case Phase.STARTING:
                await self._start(turn)
            case Phase.GENERATING:
                await self._wait(turn)
            case Phase.REPORTING | Phase.DONE:
                rehearsal = turn.work.body
                key = f"{_key(turn.work)}-{rehearsal.attempt}"
                report = await self._children.build_report(rehearsal.starter, rehearsal.spec, rehearsal.sides, key)
                return {"report": report, "phase": Phase.DONE}
        return None

    async def abandon(self, work: Work[Rehearsal], state: State) -> None:
        """Cancel what a cancelled rehearsal has started, and wait until it is over; a failed one may be retried."""
        if state is not State.CANCELLED:
            return
        started = [side for side in work.body.sides if side.batch]
        while started:
            over = [await self._children.cancel(work.body.starter, side) for side in started]
            started = [side for side, done in zip(started, over, strict=True) if not done]
            if started:
                await asyncio.sleep(_ENDING)

    async def _make_records(self, turn: Turn[Rehearsal]) -> None:
        rehearsal = turn.work.body
        resources = await self._children.make_records(rehearsal.starter, rehearsal.spec, _key(turn.work))
        await turn.append(WENT_ON, phase=Phase.STARTING, resources=resources)

    async def _start(self, turn: Turn[Rehearsal]) -> None:
        """Create the batches, start their evaluations and judgements, and then let them run, so that no turn is missed.

        A judge that is refused is so before anything is played.
        """
        for number in range(len(turn.work.body.sides)):
            await self._start_side(turn, number)
        rule = rule_of(turn.work.body.spec)
        first = min(rule.round_size, rule.most_pairs) if rule else 0
        await self._play(turn, first, phase=Phase.GENERATING)

    async def _play(self, turn: Turn[Rehearsal], pairs: int, **changes: Any) -> None:
        """Let the first `pairs` conversations of each side run, all if it is 0, and store how many these are."""
        for side in turn.work.body.sides:
            if not side.given:
                await self._children.run_batch(turn.work.body.starter, side.batch, pairs)
        await turn.append(WENT_ON, pairs=pairs, **changes)

    async def _start_side(self, turn: Turn[Rehearsal], number: int) -> None:
        rehearsal, key = turn.work.body, f"{_key(turn.work)}-{number}"
        side = rehearsal.sides[number]
        if not side.batch:
            judged = rehearsal.sides[0].batch
            batch = await self._children.create_batch(
                rehearsal.starter, rehearsal.spec, number, judged, rehearsal.resources, key
            )
            side = await self._save(turn, number, replace(side, batch=batch))
        if not side.evaluation:
            key = f"{key}-{rehearsal.attempt}"
            evaluation = await self._children.start_evaluation(rehearsal.starter, rehearsal.spec, side.batch, key)
            side = await self._save(turn, number, replace(side, evaluation=evaluation))
        if has_judge(rehearsal.spec) and not side.judgement:
            key = f"{_key(turn.work)}-{number}-{rehearsal.attempt}"
            judgement = await self._children.start_judgement(rehearsal.starter, rehearsal.spec, side.batch, key)
            await self._save(turn, number, replace(side, judgement=judgement))

    async def _wait(self, turn: Turn[Rehearsal]) -> None:
        """Wait until every evaluation and judgement is over, for a while."""
        if not turn.work.body.resumed:
            await self._resume(turn)
        who, rule = turn.work.body.starter, rule_of(turn.work.body.spec)
        for pause in _PAUSES:
            found = [(side, await self._children.evaluation(who, side.evaluation)) for side in turn.work.body.sides]
            for side, progress in found:
                if progress.cancelled:
                    raise EvaluationStopped(evaluation=side.evaluation)
                if progress.over and not progress.well:
                    raise EvaluationBroken(evaluation=side.evaluation, cause=progress.reason, detail=progress.detail)
            if all(progress.over for _, progress in found) and await self._judged(turn.work.body):
                await turn.append(WENT_ON, phase=Phase.REPORTING)
                return
            if rule and all(progress.results >= turn.work.body.pairs for _, progress in found):
                await self._look(turn, rule)
            await asyncio.sleep(pause)

    async def _judged(self, rehearsal: Rehearsal) -> bool:
        """Whether every judgement is over. Raises JudgementStopped, JudgementBroken."""
        names = [side.judgement for side in rehearsal.sides if side.judgement]
        found = {name: await self._children.judgement(rehearsal.starter, name) for name in names}
        for name, progress in found.items():
            if progress.cancelled:
                raise JudgementStopped(judgement=name)
            if progress.over and not progress.well:
                raise JudgementBroken(judgement=name, cause=progress.reason, detail=progress.detail)
        return all(progress.over for progress in found.values())

    async def _look(self, turn: Turn[Rehearsal], rule: Rule) -> None:
        """Play the next round of pairs, or leave out those that are not needed."""
        rehearsal = turn.work.body
        outcomes = await self._children.outcomes(rehearsal.starter, rehearsal.sides, rehearsal.pairs)
        if outcomes is None:
            return
        # In a thread, because it may take a second if there are many pairs. Earlier looks did not end it.
        stop = await asyncio.to_thread(stopped, rule, outcomes, looked=rehearsal.pairs - rule.round_size)
        if stop is None:
            await self._play(turn, min(rehearsal.pairs + rule.round_size, rule.most_pairs))
            return
        for side in rehearsal.sides:
            if not side.given:
                await self._children.leave_out(rehearsal.starter, side.batch)

    async def _resume(self, turn: Turn[Rehearsal]) -> None:
        """Retry the failed conversations, and evaluate and judge batches again for which that is over."""
        who = turn.work.body.starter
        for number, side in enumerate(turn.work.body.sides):
            if side.evaluation and await self._children.resume(who, side):
                side = await self._save(turn, number, side.renewed())
            if side.judgement and await self._children.judge_again(who, side):
                await self._save(turn, number, side.judged_anew())
            await self._start_side(turn, number)
        await turn.append(WENT_ON, resumed=True)

    async def _save(self, turn: Turn[Rehearsal], number: int, side: Side) -> Side:
        await turn.append(WENT_ON, sides=turn.work.body.with_side(number, side))
        return side


def rehearsal_jobs(store: WorkStore[Rehearsal], children: Children, clock: Clock) -> WorkJobs[Rehearsal]:
    """The engine's jobs for rehearsals."""
    steps = RehearsalSteps(children)
    return WorkJobs(store, steps.step, clock, abandon=steps.abandon)


def _key(work: Work[Rehearsal]) -> str:
    return f"rehearsal-{work.id}"
