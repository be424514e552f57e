"""The jobs of judgements. Each step judges a few conversations, so that companies take turns."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import reduce
from operator import add
from typing import Any

from services.evaluator.evaluations.model import Line
from services.evaluator.evaluations.subjects import Subjects
from services.evaluator.judges.asking import control_of, request
from services.evaluator.judges.deciding import tallies, verdict_of
from services.evaluator.judges.model import (
    Dialogue,
    Judgement,
    Reply,
    Result,
    pack_result,
    pack_tallies,
    pack_usage,
)
from services.evaluator.judges.reading import failed, read_replies, unusable
from services.evaluator.judges.store.judgements import JudgementStore
from services.evaluator.judges.transcripts import dialogues
from services.evaluator.rubrics.model import Criterion
from services.evaluator.rubrics.reading import read_rubric
from shared.clock import Clock
from shared.compute import Compute
from shared.llm.base import Caller, ChatModel, ModelDenied, ModelFailed
from shared.llm.repairs import Repair
from shared.model.events import NO_USAGE, Usage
from shared.work.jobs import Turn, WorkJobs
from shared.work.model import BEGUN, State, Work

AT_ONCE = 8
"""How many conversations a step judges."""

OpenModel = Callable[[str], Awaitable[ChatModel]]
"""Opens a model by name, with the recorder and the budget around it."""


def judgement_jobs(
    store: JudgementStore, subjects: Subjects, open_model: OpenModel, repair: Repair, compute: Compute, clock: Clock
) -> WorkJobs[Judgement]:
    """The engine's jobs for judgements."""

    async def step(turn: Turn[Judgement]) -> dict[str, Any] | None:
        if turn.work.state is State.PENDING:
            await turn.append(BEGUN)
        body = turn.work.body
        criteria = read_rubric(body.spec.criteria.encode(), "rubric.yaml").criteria
        read = await subjects.read(body.starter, body.spec.subject, body.position)
        lines = read.lines[body.within : body.within + AT_ONCE]
        last = body.within + len(lines) == len(read.lines)
        if lines:
            await _judge(turn, criteria, lines, read.position if last else None)
        if last and read.over:
            return {"summary": pack_tallies(tallies(criteria, await store.results(turn.work, -1, None)))}
        return None

    async def _judge(
        turn: Turn[Judgement], criteria: Sequence[Criterion], lines: Sequence[Line], position: str | None
    ) -> None:
        """Judge conversations and store their results. Raises what stopped one, after the results before it are stored.

        position: after these conversations; None if others follow before it.
        """
        body, size = turn.work.body, sum(len(line.transcript) for line in lines)
        read = await compute.run(dialogues, lines, reads=size)
        if not body.spec.subject.batch:
            read = [Dialogue(one.conversation, body.judged + place, one.turns) for place, one in enumerate(read)]
        judged = [_conversation(turn.work, criteria, one) for one in read]
        done, problem = list[tuple[Result, Usage]](), None
        for one in await asyncio.gather(*judged, return_exceptions=True):
            if isinstance(one, BaseException):
                problem = one
                break
            done.append(one)
        within = body.within + len(done)
        there = {"within": within} if problem or position is None else {"position": position, "within": 0}
        if done:
            await turn.append(
                *(pack_result(result) for result, _ in done),
                also=store.rows(turn.work, [result for result, _ in done]),
                judged=body.judged + len(done),
                usage=pack_usage(reduce(add, (usage for _, usage in done), body.cost)),
                **there,
            )
        if problem is not None:
            raise problem

    async def _conversation(
        work: Work[Judgement], criteria: Sequence[Criterion], dialogue: Dialogue
    ) -> tuple[Result, Usage]:
        spec = work.body.spec
        calls = [
            _ask(work, criteria, dialogue, Reply(model, repeat))
            for model in spec.models
            for repeat in range(spec.repeats)
        ]
        found = await asyncio.gather(*calls)
        verdicts = [verdict_of(one, [replies[place] for replies, _ in found]) for place, one in enumerate(criteria)]
        usage = reduce(add, (cost for _, cost in found), NO_USAGE)
        return Result(dialogue.conversation, dialogue.index, tuple(verdicts)), usage

    async def _ask(
        work: Work[Judgement], criteria: Sequence[Criterion], dialogue: Dialogue, asked: Reply
    ) -> tuple[list[Reply], Usage]:
        """A model's replies. Raises what may be mended, so that the work waits or fails, as ModelDenied."""
        if not any(turn.who == "agent" for turn in dialogue.turns):
            return unusable(criteria, asked, "NO_TRANSCRIPT", "The agent says nothing in this conversation."), NO_USAGE
        seed, caller = work.body.spec.seed, Caller(work.company, work.name, work.name)
        model = await open_model(asked.model)
        try:
            answer = await model.complete(request(criteria, dialogue, asked.model, asked.repeat, seed, caller))
        except ModelDenied:
            raise
        except ModelFailed as error:
            return failed(criteria, asked, error), NO_USAGE
        control = control_of(dialogue, seed)
        return await read_replies(answer, criteria, dialogue, control, asked, repair), answer.usage

    return WorkJobs(store, step, clock)
