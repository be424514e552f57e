"""Six damages of a procedure: each is found to be worse than the sound one, and the right expectation says why."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from cli.kit.rehearsing import read_spec, resolve_names, worst_expectation
from greenroom.client import Client
from greenroom.evaluator.v1.report_pb2 import Report
from greenroom.gateway.v1 import rehearsal_pb2 as pb
from tests.damages import DAMAGES
from tests.suite import EXAMPLES, suite

DAMAGED = EXAMPLES.parent / "damaged"
EXPLAINED = {
    "step_left_out": "registers-returns",
    "wrong_tool": "registers-returns",
    "swapped_argument": "looks-the-order-up",
    "no_confirmation": "asks-before",
    "refusal_ignored": "keeps-to-the-policy",
    "loop": "looks-up-once",
}
"""The expectation that each damage misses."""


@dataclass(frozen=True)
class Workshop:
    """A house with the example and its damages. sound: the batch of the sound procedure."""

    client: Client
    sound: str


async def spec_of(client: Client, name: str) -> pb.RehearsalSpec:
    """The example's spec for one of its procedures, with one side."""
    spec = read_spec(DAMAGED / "rehearsal.yaml")
    spec.ClearField("compare")
    spec.label, spec.batch.conversation.procedure = name, f"returns-{name.replace('_', '-')}"
    await resolve_names(client, spec)
    return spec


async def rehearsed(client: Client, spec: pb.RehearsalSpec) -> pb.Rehearsal:
    """The rehearsal of a spec when it is over."""
    async with client.rehearsals.watch((await client.rehearsals.start(spec)).name) as watch:
        async for _ in watch:
            pass
    assert watch.summary is not None
    return watch.summary


@pytest.fixture(scope="module")
async def workshop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Workshop]:
    others = dict.fromkeys(("evaluator", "gateway"), "sqlite")
    async with suite("sqlite", tmp_path_factory.mktemp("workshop"), others=others) as house:
        client = house.client
        await client.sources.import_file(EXAMPLES / "sources.jsonl")
        for name in ("sound", *DAMAGES):
            await client.procedures.import_file(DAMAGED / f"{name}.jsonl")
        yield Workshop(client, (await rehearsed(client, await spec_of(client, "sound"))).sides[0].batch)


def test_every_damage_has_its_expectation() -> None:
    assert EXPLAINED.keys() == DAMAGES.keys()


@pytest.mark.parametrize("damage", EXPLAINED)
async def test_a_damaged_procedure_is_worse_and_the_right_expectation_says_why(workshop: Workshop, damage: str) -> None:
    spec = await spec_of(workshop.client, damage)
    spec.compare.label, spec.compare.batch = "sound", workshop.sound

    found = (await rehearsed(workshop.client, spec)).result

    assert found.verdict == Report.VERDICT_WORSE
    assert found.comparison.pairs == 50
    assert found.comparison.p < 0.01
    worst = worst_expectation(found)
    assert worst is not None
    assert worst.id == EXPLAINED[damage]
    assert [one.baseline_met.value for one in found.expectations if one.id == worst.id] == [1]
    assert all(one.evidence for one in found.examples if one.expectation == worst.id)
