"""Six damages of a procedure: each is found to be worse than the sound one, and the right expectation says why."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cli.kit.rehearsing import worst_expectation
from greenroom.client import Client
from greenroom.evaluator.v1.report_pb2 import Report, Stop
from tests.damages import DAMAGES
from tests.grounds import GROUNDS, SOUND, Ground, rehearsed
from tests.suite import suite


@dataclass(frozen=True)
class Workshop:
    """A house with a ground. sound: the batch of the sound procedure."""

    client: Client
    ground: Ground
    sound: str


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    others = dict.fromkeys(("evaluator", "gateway"), "sqlite")
    async with suite("sqlite", tmp_path_factory.mktemp("house"), others=others) as house:
        yield house.client


@pytest.fixture(scope="module", params=GROUNDS)
async def workshop(request: pytest.FixtureRequest, house: Client, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    ground = await GROUNDS[request.param](house, tmp_path_factory.mktemp("files"))
    return Workshop(house, ground, (await rehearsed(house, ground.specs[SOUND])).sides[0].batch)


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_damaged_procedure_is_worse_and_the_right_expectation_says_why(workshop: Workshop, damage: str) -> None:
    spec = workshop.ground.specs[damage]
    spec.compare.label, spec.compare.batch = SOUND, workshop.sound

    found = (await rehearsed(workshop.client, spec)).result

    assert found.verdict == Report.VERDICT_WORSE
    assert found.comparison.pairs == 50
    assert found.comparison.p < 0.01
    worst = worst_expectation(found)
    assert worst is not None
    assert worst.id == workshop.ground.explained[damage]
    assert worst.baseline_met.value >= workshop.ground.met
    assert all(one.evidence for one in found.examples if one.expectation == worst.id)


async def test_until_sure_a_damage_is_found_with_fewer_pairs_and_a_sound_procedure_is_not_called_different(
    house: Client, tmp_path: Path
) -> None:
    ground = await GROUNDS["examples"](house, tmp_path)
    damaged, sound = ground.specs["no_confirmation"], ground.specs[SOUND]
    damaged.compare.procedure = sound.batch.conversation.procedure
    sound.compare.seed = sound.batch.conversation.seed + 1
    for spec in (damaged, sound):
        spec.until_sure.SetInParent()

    worse = (await rehearsed(house, damaged)).result
    same = (await rehearsed(house, sound)).result

    assert (worse.verdict, worse.stop.reason) == (Report.VERDICT_WORSE, Stop.REASON_DIFFERENT)
    assert worse.stop.played == worse.comparison.pairs <= 36
    assert (same.verdict, same.stop.reason) == (Report.VERDICT_UNDECIDED, Stop.REASON_FUTILE)
    assert same.stop.played < 50
