"""SIGKILL of a service at any moment: the rehearsal goes on and ends in the same report."""

import json
import random
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict

from greenroom.client import Backoff, Client, connect
from greenroom.gateway.v1 import rehearsal_pb2 as pb
from tests.durable.houses import Houses
from tests.processes import PATIENCE
from tests.rehearsals import batch_spec, import_rehearsal

VICTIMS = ("gateway", "evaluator")
MANNERS = Path(__file__).parents[2] / "examples" / "judges" / "manners.yaml"
ITEMS = 15
"""The most items between two kills. All together there are a few hundred."""


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[tuple[Houses, Client]]:
    """A house with the sources and the procedure of the example."""
    async with AsyncExitStack() as stack:
        houses = Houses(stack, folder)
        for name in ("synthesizer", "evaluator", "gateway"):
            await houses.start(name)
        patient = Backoff(attempts=600, maximum=1.0)
        async with connect(houses.address, timeout=PATIENCE, retry=patient, reconnect=patient) as client:
            await import_rehearsal(client, folder)
            yield houses, client


async def watched(client: Client, name: str, *, items: int = 0) -> pb.Rehearsal | None:
    """Watch from the beginning until there are this many items, or until the end if it is 0.

    Returns the rehearsal if it ended.
    """
    async with client.rehearsals.watch(name) as watch:
        seen = 0
        async for _ in watch:
            seen += 1
            if items and seen >= items:
                return None
    return watch.summary


async def told(client: Client, ended: pb.Rehearsal) -> Mapping[str, Any]:
    """The report without times, and with indexes for names."""
    text = json.dumps(MessageToDict(ended.result, preserving_proto_field_name=True))
    async for item in client.rehearsals.items(ended.name):
        text = text.replace(item.conversation, f"conversation {item.side}.{item.index}")
    for number, side in enumerate(ended.sides):
        text = text.replace(side.batch, f"batch {number}").replace(side.evaluation, f"evaluation {number}")
        text = text.replace(side.judgement or "no judgement", f"judgement {number}")
    report: dict[str, Any] = json.loads(text)
    return {name: value for name, value in report.items() if name not in ("name", "create_time")}


async def survives(folder: Path, spec: pb.RehearsalSpec, victims: deque[str]) -> pb.Rehearsal:
    """Check that rehearsals of a spec end alike, while these services are killed; returns the undisturbed one.

    Those with a judge get a rubric, and each of their sides is judged once.
    """
    draw = random.Random(5)
    async with house(folder) as (houses, client):
        if spec.HasField("judge"):
            spec.judge.rubric = (await client.rubrics.create(MANNERS)).rubric.name
        undisturbed = await watched(client, (await client.rehearsals.start(spec)).name)
        assert undisturbed is not None
        assert undisturbed.state == pb.Rehearsal.STATE_COMPLETED, f"{undisturbed.reason}: {undisturbed.detail}"
        expected = await told(client, undisturbed), await digests(client, undisturbed)
        # A rehearsal may be over before the last kill; then the next one takes the others.
        while victims:
            name = (await client.rehearsals.start(spec)).name
            ended = None
            while ended is None:
                ended = await watched(client, name, items=draw.randint(1, ITEMS) if victims else 0)
                if ended is None:
                    await houses.kill(victims.popleft())

            assert ended.state == pb.Rehearsal.STATE_COMPLETED, f"{ended.reason}: {ended.detail}"
            assert (await told(client, ended), await digests(client, ended)) == expected
        judged = [side.judgement async for one in client.rehearsals.list() for side in one.sides if side.judgement]
        assert sorted(judged) == sorted([one.name async for one in client.judgements.list()])
    return undisturbed


async def digests(client: Client, ended: pb.Rehearsal) -> list[tuple[int, int, str, str]]:
    """The side, index, digest and ending of each conversation."""
    found = client.rehearsals.items(ended.name)
    return [(item.side, item.index, item.result.digest, item.reason) async for item in found]


@pytest.mark.parametrize("kills", [4, pytest.param(10, marks=pytest.mark.soak)])
async def test_a_rehearsal_whose_gateway_and_evaluator_are_killed_ends_in_the_same_report(
    kills: int, tmp_path: Path
) -> None:
    spec = pb.RehearsalSpec(batch=batch_spec(), threshold=0.5, judge=pb.RehearsalJudge())
    # Conversations end one after the other, so that there is something to do for every evaluator.
    spec.batch.max_in_flight = 1

    undisturbed = await survives(tmp_path, spec, deque(islice(cycle(VICTIMS), kills)))

    played = undisturbed.result.sides[0].success.total
    assert [one.rate.judged.total for one in undisturbed.result.criteria] == [played, played]


@pytest.mark.parametrize("kills", [3, pytest.param(12, marks=pytest.mark.soak)])
async def test_a_rehearsal_until_it_is_sure_stops_after_the_same_pairs_whichever_service_is_killed(
    kills: int, tmp_path: Path
) -> None:
    spec = pb.RehearsalSpec(batch=batch_spec(16), compare=pb.Side(seed=8))
    spec.until_sure.smallest_difference = 0.5

    undisturbed = await survives(tmp_path, spec, deque(islice(cycle((*VICTIMS, "synthesizer")), kills)))

    assert undisturbed.result.stop.reason
    assert 3 < undisturbed.result.stop.played == undisturbed.pairs < 16
