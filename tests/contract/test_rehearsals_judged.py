"""A judge in rehearsals, over real gRPC: it fails one only by criteria for which people calibrated it."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from greenroom.client import GreenroomError
from greenroom.evaluator.v1.judge_pb2 import Judgement, JudgementSpec
from greenroom.evaluator.v1.report_pb2 import Report, ReportSpec, UntilSure
from greenroom.evaluator.v1.rubric_pb2 import Rubric
from greenroom.gateway.v1 import rehearsal_pb2 as pb
from greenroom.synthesizer.v1.batch_pb2 import BatchSpec
from tests.scripted import Held, Script, Theatre, leaves, refuses, says, source_line, theatre

RUBRIC = """
display_name: Manners
criteria:
  polite:
    question: Is the agent polite?
    scale: {polite: It is., rude: It is not.}
    passes: [polite]
    phrases: {rude: [silly question]}
  patient:
    question: Is the agent patient?
    scale: {patient: It is., curt: It is not.}
    passes: [patient]
    phrases: {curt: [silly question]}
"""
PAIRS, LABELS, FAILURES = 8, 100, 30
POLITE = Script(persona=[says("Where is O-7?"), leaves("Bye.")], agent=[says("It is on its way.")])
RUDE = Script(persona=[says("Where is O-7?"), leaves("Bye.")], agent=[says("What a silly question.")])


@dataclass
class Stage:
    """A theatre with a rubric."""

    theatre: Theatre
    rubric: Rubric

    def spec(self, new: Script, old: Script | None = None, threshold: float | None = None) -> pb.RehearsalSpec:
        """Conversations with this script, compared with some that have the other one."""
        conversation = self.theatre.spec(new, persona="")
        judge = pb.RehearsalJudge(rubric=self.rubric.name, threshold=threshold)
        batch = BatchSpec(conversation=conversation, size=PAIRS, sources=[self.theatre.source])
        made = pb.RehearsalSpec(batch=batch, judge=judge)
        if old is not None:
            made.compare.seed = self.theatre.spec(old).seed
        return made

    async def rehearse(self, spec: pb.RehearsalSpec) -> pb.Rehearsal:
        done = await self.ended((await self.theatre.client.rehearsals.start(spec)).name)
        assert done.state == pb.Rehearsal.STATE_COMPLETED, done.detail
        return done

    async def ended(self, name: str) -> pb.Rehearsal:
        """A rehearsal when it is over."""
        async with self.theatre.client.rehearsals.watch(name) as watch:
            async for _ in watch:
                pass
        assert watch.summary is not None
        return watch.summary

    async def calibrate(self) -> None:
        """Let people agree with the judge about `polite`."""
        lines = [_source(number) for number in range(LABELS)]
        await self.theatre.import_sources(*lines, labels=["labelled"])
        wanted = JudgementSpec(rubric=self.rubric.name)
        wanted.sources.labels.append("labelled")
        judgements = self.theatre.client.judgements
        started = await judgements.start(wanted)
        async with judgements.watch(started.name) as watch:
            results = [one async for one in watch]
        labels = [
            {"conversation": one.conversation, "criterion": "polite", "verdict": one.criteria[0].verdict}
            for one in results
        ]
        found = await judgements.calibrate(started.name, "\n".join(map(json.dumps, labels)).encode(), held_back=1.0)
        [polite] = found.criteria
        assert (polite.labels, polite.failures, polite.calibrated) == (LABELS, FAILURES, True)


def _source(number: int) -> str:
    text = "What a silly question." if number < FAILURES else "It is on its way."
    events = [{"user_message": {"text": "Where is O-7?"}}, {"agent_message": {"text": text}}]
    return source_line(f"labelled-{number}", events=events, resources=[])


@pytest.fixture(scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    folder = tmp_path_factory.mktemp("judged")
    others = {"evaluator": "sqlite", "gateway": "sqlite"}
    path = folder / "manners.yaml"
    path.write_text(RUBRIC)
    async with theatre("sqlite", folder, others=others, model_attempts=1, job_retry_seconds=0.2) as made:
        yield Stage(made, (await made.client.rubrics.create(path)).rubric)


async def test_a_judge_fails_a_rehearsal_only_by_what_people_calibrated_it_for(stage: Stage) -> None:
    shown = (await stage.rehearse(stage.spec(RUDE, POLITE, threshold=0.9))).result

    assert shown.verdict not in (Report.VERDICT_WORSE, Report.VERDICT_BELOW_THRESHOLD)
    assert [one.id for one in shown.criteria] == ["polite", "patient"]
    for one in shown.criteria:
        assert (one.rate.judged.successes, one.baseline_rate.judged.successes) == (0, PAIRS)
        assert (one.calibrated, one.fails, one.p, one.difference) == (False, False, 1, -1)
        assert one.why_uncalibrated.startswith("Nobody compared this judge with people")
        assert not one.rate.HasField("corrected")

    await stage.calibrate()
    done = await stage.rehearse(stage.spec(RUDE, POLITE, threshold=0.9))
    failed = done.result

    assert failed.verdict == Report.VERDICT_WORSE
    assert "; the calibrated judge passes 0 of 8 by polite, baseline 8 of 8, p = 0.004" in failed.headline
    polite, patient = failed.criteria
    assert (polite.calibrated, polite.fails, patient.calibrated, patient.fails) == (True, True, False, False)
    assert polite.rate.corrected.value == 0
    assert polite.rate.corrected.high < polite.baseline_rate.corrected.low
    for side in done.sides:
        judgement = await stage.theatre.client.judgements.get(side.judgement)
        assert (judgement.state, judgement.spec.revision, judgement.conversations) == (
            Judgement.STATE_COMPLETED,
            1,
            PAIRS,
        )

    alone = await stage.rehearse(stage.spec(RUDE, threshold=0.9))
    assert alone.result.verdict == Report.VERDICT_BELOW_THRESHOLD
    assert alone.result.headline.startswith("Below the threshold of the judge: ")
    fine = await stage.rehearse(stage.spec(POLITE, threshold=0.2))
    assert (fine.result.verdict, fine.result.criteria[0].fails) == (Report.VERDICT_PASSED, False)

    await stage.theatre.client.rehearsals.delete(done.name)
    for side in done.sides:
        with pytest.raises(GreenroomError, match="There is no judgements/"):
            await stage.theatre.client.judgements.get(side.judgement)


async def test_a_retry_judges_the_conversations_that_it_resumes_and_a_cancelled_rehearsal_judges_no_more(
    stage: Stage,
) -> None:
    client, held = stage.theatre.client, Held()
    mended = Script(persona=POLITE.persona, agent=[refuses(), *RUDE.agent])
    done = await stage.rehearse(stage.spec(Script(by_index={0: mended, **dict.fromkeys(range(1, PAIRS), POLITE)})))
    assert (done.sides[0].conversations.failed, done.result.criteria[0].rate.judged.successes) == (1, PAIRS)

    await client.rehearsals.retry(done.name)
    again = await stage.ended(done.name)

    judged = again.result.criteria[0].rate.judged
    assert (judged.successes, judged.total) == (PAIRS - 1, PAIRS)
    assert again.sides[0].judgement != done.sides[0].judgement
    await client.rehearsals.delete(done.name)
    left = [one.name async for one in client.judgements.list()]
    assert not {done.sides[0].judgement, again.sides[0].judgement} & {*left}

    waiting = await client.rehearsals.start(stage.spec(Script(agent=[held])))
    async with client.rehearsals.watch(waiting.name) as watch:
        await anext(aiter(watch))
    await client.rehearsals.cancel(waiting.name)
    [side] = (await stage.ended(waiting.name)).sides
    assert (await client.judgements.get(side.judgement)).state == Judgement.STATE_CANCELLED
    held.released.set()


async def test_judges_that_cannot_be_asked_are_refused(stage: Stage) -> None:
    missing, sure = stage.spec(POLITE), stage.spec(POLITE, POLITE)
    missing.judge.rubric = "rubrics/none"
    sure.until_sure.CopyFrom(UntilSure())
    unpaired = ReportSpec(evaluation="evaluations/e", baseline="evaluations/o", judgement="judgements/j")
    client, reasons = stage.theatre.client, []
    for call in (client.rehearsals.start(missing), client.rehearsals.start(sure), client.reports.build(unpaired)):
        with pytest.raises(GreenroomError) as error:
            await call
        reasons.append(error.value.reason)
    assert reasons == ["RUBRIC_NOT_FOUND", "REHEARSAL_INVALID", "REPORT_INVALID"]

    unknown = stage.spec(POLITE)
    unknown.judge.models.append("nobody:x")
    failed = await stage.ended((await client.rehearsals.start(unknown)).name)
    assert (failed.state, failed.reason, failed.phase) == (
        pb.Rehearsal.STATE_FAILED,
        "INVALID_ARGUMENT",
        pb.Rehearsal.PHASE_STARTING,
    )
    assert "nobody" in failed.detail
    assert (await client.batches.get(failed.sides[0].batch)).counts.completed == 0
