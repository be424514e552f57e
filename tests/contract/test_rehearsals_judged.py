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
from tests.scripted import Script, Theatre, leaves, says, source_line, theatre

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
        started = await self.theatre.client.rehearsals.start(spec)
        async with self.theatre.client.rehearsals.watch(started.name) as watch:
            async for _ in watch:
                pass
        assert watch.summary is not None
        assert watch.summary.state == pb.Rehearsal.STATE_COMPLETED, watch.summary.detail
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
    path = folder / "manners.yaml"
    path.write_text(RUBRIC)
    async with theatre("sqlite", folder, others={"evaluator": "sqlite", "gateway": "sqlite"}) as made:
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
    started = await client.rehearsals.start(unknown)
    async with client.rehearsals.watch(started.name) as watch:
        assert not [one async for one in watch]
    assert watch.summary is not None
    assert (watch.summary.state, watch.summary.reason) == (pb.Rehearsal.STATE_FAILED, "INVALID_ARGUMENT")
    assert "nobody" in watch.summary.detail
