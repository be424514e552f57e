"""Rehearsals: one call plays, evaluates and reports, over real gRPC on both databases."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from greenroom.client import GreenroomError
from greenroom.evaluator.v1 import report_pb2
from greenroom.gateway.v1 import rehearsal_pb2 as pb
from greenroom.synthesizer.v1 import batch_pb2
from greenroom.type.v1.expectation_pb2 import Expectation, ExpectedToolCall
from tests.scripted import Held, Script, Theatre, calls, ends, leaves, refused, refuses, says, source_line, theatre
from tests.suite import new_store

Item, State = pb.RehearsalItem, pb.Rehearsal
FINDS = Expectation(id="finds", called=ExpectedToolCall(tool="find_order"))
UNKNOWN = Expectation(called=ExpectedToolCall(tool="find_ordr"))
LOOKS = Script(persona=[says("Where is O-7?"), leaves("Bye.")], agent=[calls("find_order", order="O-7"), says("Sent.")])
FORGETS = Script(persona=[says("Where is O-7?"), leaves("Bye.")], agent=[says("No idea.")])


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Theatre]:
    folder = tmp_path_factory.mktemp("rehearsals")
    others = {name: new_store(request) for name in ("evaluator", "gateway")}
    async with theatre(new_store(request), folder, others=others, model_attempts=1, job_retry_seconds=0.2) as made:
        yield made


def spec(stage: Theatre, *scripts: Script, **fields: Any) -> pb.RehearsalSpec:
    """A spec with one conversation for each script."""
    whole = Script(by_index=dict(enumerate(scripts)))
    batch = batch_pb2.BatchSpec(conversation=stage.spec(whole, persona=""), size=len(scripts))
    batch.conversation.tool_config.default_answer.value.struct_value.update({"state": "sent"})
    return pb.RehearsalSpec(batch=batch, expectations=[FINDS], **fields)


async def over(stage: Theatre, name: str, cursor: str = "") -> tuple[pb.Rehearsal, list[pb.RehearsalItem]]:
    """A rehearsal when it is over, and the items that its watch showed."""
    async with stage.client.rehearsals.watch(name, cursor=cursor) as watch:
        shown = [item async for item in watch]
    assert watch.summary is not None
    return watch.summary, shown


async def rehearse(stage: Theatre, *scripts: Script, **fields: Any) -> pb.Rehearsal:
    started = await stage.client.rehearsals.start(spec(stage, *scripts, **fields))
    return (await over(stage, started.name))[0]


def states(items: list[pb.RehearsalItem], index: int) -> list[str]:
    """The states of the item with this index, in order and without repeats."""
    names = [Item.State.Name(one.state).removeprefix("STATE_") for one in items if one.index == index]
    return [name for place, name in enumerate(names) if names[place - 1 : place] != [name]]


async def test_one_call_plays_evaluates_and_reports(stage: Theatre) -> None:
    started = await stage.client.rehearsals.start(spec(stage, LOOKS, FORGETS, LOOKS, threshold=0.1))

    done, shown = await over(stage, started.name)

    assert (done.state, done.phase, done.creator) == (State.STATE_COMPLETED, State.PHASE_DONE, "developer")
    [side] = done.sides
    assert (side.label, side.conversations.completed) == ("new", 3)
    assert (side.results.passed, side.results.failed) == (2, 1)
    assert done.result.name == done.report
    assert done.result.verdict in (report_pb2.Report.VERDICT_PASSED, report_pb2.Report.VERDICT_UNDECIDED)
    assert [one.conversation for one in done.result.examples if one.expectation == "finds"] == [
        (await listed(stage, done.name))[1].conversation
    ]
    assert states(shown, 0)[-1] == "DONE"
    assert [one.turns for one in shown if one.index == 0][-1] == 2
    assert await stage.client.rehearsals.get(done.name) == done


async def listed(stage: Theatre, name: str) -> list[pb.RehearsalItem]:
    return [item async for item in stage.client.rehearsals.items(name)]


async def test_items_are_listed_by_side_and_index_with_their_results(stage: Theatre) -> None:
    broken = Script(agent=[refuses()])
    done = await rehearse(stage, LOOKS, broken, compare=pb.Side(label="before", seed=8))

    items = await listed(stage, done.name)

    assert [(one.side, one.index) for one in items] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert [one.state for one in items[:2]] == [Item.STATE_DONE, Item.STATE_FAILED]
    assert all(one.result.conversation == one.conversation for one in items)
    assert items[1].reason == items[1].result.end_reason


async def test_two_sides_are_compared_by_pairs(stage: Theatre) -> None:
    done = await rehearse(stage, *[FORGETS] * 8, compare=pb.Side(seed=8))

    assert [side.label for side in done.sides] == ["new", "baseline"]
    assert done.result.comparison.pairs == 8
    assert [side.label for side in done.result.sides] == ["new", "baseline"]


async def test_an_earlier_batch_is_compared_with_and_not_played_again(stage: Theatre) -> None:
    before = await rehearse(stage, LOOKS, LOOKS)
    earlier = before.sides[0].batch

    done = await rehearse(stage, FORGETS, FORGETS, compare=pb.Side(batch=earlier))
    await stage.client.rehearsals.delete(done.name)

    assert (done.state, done.sides[1].batch) == (State.STATE_COMPLETED, earlier)
    assert (await stage.client.batches.get(earlier)).counts.completed == 2


async def over_sources(stage: Theatre, prefix: str, numbers: range) -> pb.RehearsalSpec:
    """A spec with two conversations over sources of this prefix; those with these numbers are imported first."""
    await stage.import_sources(*(source_line(f"{prefix}-{number}") for number in numbers))
    wanted = spec(stage, LOOKS, LOOKS)
    wanted.batch.source_filter.external_id_prefix = prefix
    return wanted


async def tasks(stage: Theatre, batch: str) -> list[tuple[str, str]]:
    """The source and persona of each conversation of a batch, by index."""
    return [(row.source, row.persona) async for row in stage.client.batches.results(batch)]


async def test_both_sides_have_the_same_sources_and_personas_whatever_their_seeds_are(stage: Theatre) -> None:
    wanted = await over_sources(stage, "seeds", range(9))
    wanted.compare.seed = wanted.batch.conversation.seed + 1

    done, _ = await over(stage, (await stage.client.rehearsals.start(wanted)).name)

    assert done.result.comparison.pairs == 2, done.detail
    new, old = [await tasks(stage, side.batch) for side in done.sides]
    assert new == old


async def test_sources_that_are_imported_after_a_baseline_was_played_are_not_played_either(stage: Theatre) -> None:
    wanted = await over_sources(stage, "later", range(2))
    first, _ = await over(stage, (await stage.client.rehearsals.start(wanted)).name)
    wanted = await over_sources(stage, "later", range(2, 12))

    for _ in range(2):  # what was compared with a baseline can be one
        wanted.compare.batch = first.sides[0].batch
        done, _ = await over(stage, (await stage.client.rehearsals.start(wanted)).name)
        assert done.result.comparison.pairs == 2, done.detail
        assert await tasks(stage, done.sides[0].batch) == await tasks(stage, first.sides[0].batch)
        first = done


async def test_a_watch_continues_after_its_cursor(stage: Theatre) -> None:
    held = Held(ends("Sorry."))
    started = await stage.client.rehearsals.start(spec(stage, LOOKS, Script(agent=[held])))
    async with stage.client.rehearsals.watch(started.name) as watch:
        async for item in watch:
            if item.HasField("result"):
                break
        cursor = watch.cursor

    held.released.set()
    done, rest = await over(stage, started.name, cursor)

    assert done.state == State.STATE_COMPLETED
    assert states(rest, 1)[-1] == "DONE"
    assert len([one for one in rest if one.index == 0]) <= 1


async def test_a_cancelled_rehearsal_cancels_what_it_has_started(stage: Theatre) -> None:
    held = Held(ends("Sorry."))
    started = await stage.client.rehearsals.start(spec(stage, Script(agent=[held])))
    async with stage.client.rehearsals.watch(started.name) as watch:
        await anext(aiter(watch))
    await stage.client.rehearsals.cancel(started.name)

    done, _ = await over(stage, started.name)

    assert done.state == State.STATE_CANCELLED
    for side in done.sides:
        assert (await stage.client.batches.get(side.batch)).state == batch_pb2.Batch.STATE_CANCELLED
    assert [one.state for one in await listed(stage, started.name)] == [Item.STATE_CANCELLED]
    async with refused("FAILED_PRECONDITION", "REHEARSAL_NOT_RETRIABLE"):
        await stage.client.rehearsals.retry(started.name)
    held.released.set()


async def test_a_retry_resumes_failed_conversations_and_reports_anew(stage: Theatre) -> None:
    asks = [says("Where is O-7?"), leaves("Bye.")]
    mended = Script(persona=asks, agent=[refuses(), calls("find_order"), says("Sent.")])
    done = await rehearse(stage, LOOKS, mended)
    assert (done.sides[0].conversations.failed, done.result.sides[0].success.successes) == (1, 1)

    await stage.client.rehearsals.retry(done.name)
    again, _ = await over(stage, done.name)

    assert (again.state, again.sides[0].conversations.completed) == (State.STATE_COMPLETED, 2)
    assert again.report != done.report
    assert again.result.sides[0].success.successes == 2
    assert await stage.client.rehearsals.retry(done.name) == _without_counts(again)


def _without_counts(rehearsal: pb.Rehearsal) -> pb.Rehearsal:
    rehearsal.ClearField("result")
    for side in rehearsal.sides:
        side.ClearField("conversations")
        side.ClearField("results")
        side.ClearField("quality")
    return rehearsal


async def test_what_did_not_pass_is_played_again(stage: Theatre) -> None:
    done = await rehearse(stage, LOOKS, FORGETS, LOOKS)

    again = await rehearse(stage, LOOKS, FORGETS, LOOKS, failed_of=done.name)

    assert [one.index for one in await listed(stage, again.name)] == [1]
    fine = await rehearse(stage, LOOKS)
    async with refused("FAILED_PRECONDITION", "NOTHING_FAILED"):
        await stage.client.rehearsals.start(spec(stage, LOOKS, failed_of=fine.name))


async def test_a_deleted_rehearsal_leaves_nothing(stage: Theatre) -> None:
    done = await rehearse(stage, LOOKS)

    await stage.client.rehearsals.delete(done.name)

    async with refused("NOT_FOUND", "REHEARSAL_NOT_FOUND"):
        await stage.client.rehearsals.get(done.name)
    async with refused("NOT_FOUND", "BATCH_NOT_FOUND"):
        await stage.client.batches.get(done.sides[0].batch)
    assert not [one async for one in stage.client.reports.list(evaluation=done.sides[0].evaluation)]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"compare": pb.Side(label="new")}, "spec.compare.label"),
        ({"compare": pb.Side(batch="batches/x", seed=1)}, "spec.compare.seed"),
        ({"compare": pb.Side(revision=7)}, None),
        ({"expectations": [UNKNOWN]}, "spec.expectations[1].called.tool"),
        ({"threshold": 1.5}, "spec.threshold"),
    ],
    ids=["same names", "given and changed", "unknown revision", "unknown tool", "threshold"],
)
async def test_a_spec_that_cannot_be_rehearsed_is_refused_before_anything_runs(
    stage: Theatre, fields: dict[str, Any], field: str | None
) -> None:
    before = [one.name async for one in stage.client.batches.list()]
    wrong = spec(stage, LOOKS)
    wrong.MergeFrom(pb.RehearsalSpec(**fields))

    with pytest.raises(GreenroomError) as told:
        await stage.client.rehearsals.start(wrong)

    error = told.value
    assert error.code in ("INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION")
    if field is not None:
        assert [violation.field for violation in error.violations] == [field]
    assert [one.name async for one in stage.client.batches.list()] == before


async def test_a_batch_with_other_personas_is_refused_as_a_baseline(stage: Theatre) -> None:
    before = await rehearse(stage, LOOKS)
    wanted = spec(stage, LOOKS, compare=pb.Side(batch=before.sides[0].batch))
    wanted.batch.personas.add(persona="personas/busy-bob")

    async with refused("FAILED_PRECONDITION", "BASELINE_UNLIKE"):
        await stage.client.rehearsals.start(wanted)


async def test_the_same_request_starts_one_rehearsal(stage: Theatre) -> None:
    wanted = spec(stage, LOOKS)
    first, second = [await stage.client.rehearsals.start(wanted, request_id="once") for _ in range(2)]

    assert first.name == second.name
    assert [one.name async for one in stage.client.rehearsals.list(short_id=first.name[-12:])] == [first.name]


Stop = report_pb2.Stop


async def test_pairs_are_played_until_the_sides_differ(stage: Theatre) -> None:
    before = await rehearse(stage, *[LOOKS] * 15)
    compare = pb.Side(batch=before.sides[0].batch)

    done = await rehearse(stage, *[FORGETS] * 15, compare=compare, until_sure=report_pb2.UntilSure())

    assert (done.state, done.pairs) == (State.STATE_COMPLETED, 9), done.detail
    assert done.result.verdict == report_pb2.Report.VERDICT_WORSE
    stop = done.result.stop
    assert (stop.reason, stop.played, stop.lost, stop.needed) == (Stop.REASON_DIFFERENT, 9, 9, 20)
    assert stop.e_value >= stop.needed
    new, old = done.sides
    assert (new.conversations, new.results.failed) == (batch_pb2.BatchCounts(completed=9, cancelled=6), 9)
    assert old.conversations == batch_pb2.BatchCounts(completed=15)
    items = [one for one in await listed(stage, done.name) if one.side == 0]
    assert [(one.state, one.reason) for one in items[9:]] == [(Item.STATE_CANCELLED, "NOT_NEEDED")] * 6
    rule = done.spec.until_sure
    assert (rule.alpha, rule.smallest_difference, rule.round_size, rule.most_pairs) == (0.05, 0.2, 3, 15)


async def test_pairs_that_do_not_differ_end_undecided_and_are_never_called_as_good(stage: Theatre) -> None:
    wide = report_pb2.UntilSure(smallest_difference=0.5)
    done = await rehearse(stage, *[FORGETS] * 12, compare=pb.Side(seed=8), until_sure=wide)

    assert (done.result.verdict, done.result.stop.reason) == (
        report_pb2.Report.VERDICT_UNDECIDED,
        Stop.REASON_FUTILE,
    )
    assert done.result.stop.played == done.pairs == done.result.comparison.pairs == 6
    assert [side.conversations.completed for side in done.sides] == [6, 6]
    assert "does not say that they are equal" in done.result.headline


@pytest.mark.parametrize(
    ("rule", "more", "field"),
    [
        ({"alpha": 0}, {}, "spec.until_sure.alpha"),
        ({"alpha": 1}, {}, "spec.until_sure.alpha"),
        ({"smallest_difference": 0}, {}, "spec.until_sure.smallest_difference"),
        ({"smallest_difference": 1.01}, {}, "spec.until_sure.smallest_difference"),
        ({"round_size": 0}, {}, "spec.until_sure.round_size"),
        ({"most_pairs": 13}, {}, "spec.until_sure.most_pairs"),
        ({"smallest_difference": 0.05}, {}, "spec.until_sure.smallest_difference"),
        ({}, {"compare": None}, "spec.until_sure"),
        ({}, {"threshold": 0.5}, "spec.threshold"),
    ],
)
async def test_a_rule_that_cannot_end_well_is_refused(
    stage: Theatre, rule: dict[str, Any], more: dict[str, Any], field: str
) -> None:
    fields = {"compare": pb.Side(seed=8), **more}
    wanted = spec(stage, *[LOOKS] * 12, until_sure=report_pb2.UntilSure(**rule), **fields)
    with pytest.raises(GreenroomError) as caught:
        await stage.client.rehearsals.start(wanted)
    assert (caught.value.code, [one.field for one in caught.value.violations]) == ("INVALID_ARGUMENT", [field])
