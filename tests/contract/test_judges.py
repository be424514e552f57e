"""JudgeService over a real connection, on both databases, with a server that speaks the protocol of OpenAI."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from greenroom.client import Client, GreenroomError
from greenroom.evaluator.v1.judge_pb2 import CriterionVerdict, Judgement, JudgementResult, JudgementSpec
from greenroom.evaluator.v1.rubric_pb2 import Rubric
from tests.durable.model_kills import model_server, settings
from tests.rehearsals import batch_spec, import_rehearsal, over
from tests.suite import new_stores, suite

SIZE = 10
MANNERS = Path(__file__).parents[2] / "examples" / "judges" / "manners.yaml"


@dataclass
class Stage:
    """A client, a batch that is over, and a rubric."""

    client: Client
    batch: str
    rubric: Rubric

    async def judged(self, *models: str, repeats: int = 1, tokens: int = 0) -> tuple[Judgement, list[JudgementResult]]:
        """The judgement of the batch by these models, and its results. tokens: of the budget; 0 for none."""
        wanted = JudgementSpec(batch=self.batch, rubric=self.rubric.name, models=models, repeats=repeats)
        if tokens:
            wanted.budget.tokens = tokens
        started = await self.client.judgements.start(wanted)
        async with self.client.judgements.watch(started.name) as watch:
            watched = [one async for one in watch]
        assert watch.summary is not None
        watched.sort(key=lambda one: one.index)
        assert watched == [one async for one in self.client.judgements.results(started.name)]
        return watch.summary, watched


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    stores, folder = new_stores(request), tmp_path_factory.mktemp("judges")
    with pytest.MonkeyPatch.context() as patch:
        async with model_server() as server:
            for name, value in settings(server).items():
                patch.setenv(name, value)
            others = {"evaluator": stores["evaluator"]}
            async with suite(stores["synthesizer"], folder, others=others) as running:
                await import_rehearsal(running.client, folder)
                batch = await running.client.batches.start(batch_spec(SIZE))
                await over(running.client, batch.name)
                rubric = (await running.client.rubrics.create(MANNERS)).rubric
                yield Stage(running.client, batch.name, rubric)


async def test_the_offline_judge_finds_phrases_and_people_calibrate_it(stage: Stage) -> None:
    judgement, results = await stage.judged()

    assert (judgement.state, judgement.conversations, [*judgement.spec.models]) == (
        Judgement.STATE_COMPLETED,
        SIZE,
        ["offline"],
    )
    assert [one.index for one in results] == list(range(SIZE))
    polite = judgement.criteria[0]
    assert (polite.id, polite.passed, polite.rate.value, polite.calibrated) == ("polite", SIZE, 1.0, False)
    assert polite.why_uncalibrated.startswith("Nobody compared this judge with people")
    assert not polite.HasField("corrected")

    rows = [
        {"conversation": one.conversation, "criterion": "polite", "verdict": "rude" if one.index < 5 else "polite"}
        for one in results
    ]
    labels = "\n".join(map(json.dumps, rows)).encode() + b"\nnonsense\n"
    calibrations = stage.client.judge_calibrations
    found = await stage.client.judgements.calibrate(judgement.name, labels, held_back=1.0, request_id="once")

    assert found == await stage.client.judgements.calibrate(judgement.name, labels, held_back=1.0, request_id="once")
    [one] = found.criteria
    assert (one.labels, one.failures, one.kappa, one.base_rate, one.constant_agreement) == (10, 5, 0, 0.5, 0.5)
    assert (one.sensitivity.value, one.specificity.value, one.calibrated) == (1, 0, False)
    assert [(each.line, each.sentence) for each in found.problems] == [(11, "It is not JSON in UTF-8.")]
    assert await calibrations.get(found.name) == found
    assert [each.name async for each in calibrations.list()] == [found.name]
    again = await stage.client.judgements.get(judgement.name)
    assert (again.criteria[0].calibration, again.criteria[0].why_uncalibrated) == (found.name, one.why_uncalibrated)

    refused = []
    for call in (
        stage.client.judgements.calibrate(judgement.name, b"nonsense"),
        stage.client.judgements.calibrate(judgement.name, labels, alpha=0.0),
        stage.client.judgements.start(JudgementSpec(batch=stage.batch, rubric=stage.rubric.name, models=["nobody:x"])),
        stage.client.judgements.start(JudgementSpec(batch=stage.batch, rubric="rubrics/none")),
    ):
        with pytest.raises(GreenroomError) as error:
            await call
        refused.append(error.value.reason)
    assert refused == ["NO_LABEL_USABLE", "INVALID_ARGUMENT", "INVALID_ARGUMENT", "RUBRIC_NOT_FOUND"]
    await calibrations.delete(found.name)
    await stage.client.judgements.delete(judgement.name)


async def test_several_models_and_repeats_vote_and_what_cannot_be_used_is_said(stage: Stage) -> None:
    models = ("openai:judge", "openai:text", "openai:judge-9999")
    judgement, results = await stage.judged(*models, repeats=3)

    assert judgement.state == Judgement.STATE_COMPLETED
    assert judgement.usage.model_calls == SIZE * 9
    for one in (criterion for result in results for criterion in result.criteria):
        assert (one.outcome, one.reason) == (CriterionVerdict.OUTCOME_UNUSABLE, "PROSE")
        assert len(one.replies) == 9
        by_model = {reply.model: (reply.verdict != "", reply.reason) for reply in one.replies}
        assert by_model == {models[0]: (True, ""), models[1]: (False, "PROSE"), models[2]: (False, "UNKNOWN_TURNS")}
        assert all(not reply.verdict or reply.turns for reply in one.replies)
    assert {one.unusable for one in judgement.criteria} == {SIZE}
    assert judgement.criteria[0].agreement == 0 or not judgement.criteria[0].HasField("agreement")

    alone, results = await stage.judged(models[0], repeats=3)
    assert all(one.outcome == CriterionVerdict.OUTCOME_JUDGED for result in results for one in result.criteria)
    assert all(one.agreement == 1 and one.turns for result in results for one in result.criteria)
    assert (alone.criteria[0].passed, alone.usage.input_tokens) == (SIZE, SIZE * 3 * 100)


async def test_a_judgement_stops_at_its_budget_and_keeps_its_results(stage: Stage) -> None:
    judgement, results = await stage.judged("openai:judge", tokens=120)

    assert (judgement.state, judgement.reason) == (Judgement.STATE_FAILED, "BUDGET_REACHED")
    assert judgement.detail.startswith(f"The budget of {judgement.name} is spent:")
    assert judgement.conversations == len(results)
    assert judgement.usage.model_calls <= 8 + 1
