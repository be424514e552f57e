"""`greenroom campaigns` against a running Greenroom."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.houses import House, serving

EXAMPLES = Path(__file__).parents[2] / "examples" / "campaigns"
SOUND, DAMAGED = str(EXAMPLES / "check-up.yaml"), str(EXAMPLES / "check-up-damaged.yaml")

SOUND_TEXT = Path(SOUND).read_text()


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with serving(tmp_path_factory.mktemp("house")) as running:
        yield running


async def test_validate_says_what_is_wrong_and_exits_by_the_verdict(house: House, tmp_path: Path) -> None:
    sound, damaged = await house.run("campaigns", "validate", SOUND), await house.run("campaigns", "validate", DAMAGED)

    assert (sound.status, sound.out) == (0, "check-up.yaml is valid: 0 issues, score 100 of 100.\n")
    assert damaged.status == 1
    assert "error infinite_loop at nag: The step `nag` is in a cycle of 2 steps that no way leaves.\n" in damaged.out
    assert "check-up-damaged.yaml is not valid: " in damaged.out.splitlines()[-1]
    doubtful = tmp_path / "doubtful.yaml"
    doubtful.write_text(SOUND_TEXT.replace('"10:00"', '"23:00"'))
    assert (await house.run("campaigns", "validate", str(doubtful), "--threshold", "95")).status == 0
    assert (await house.run("campaigns", "validate", str(doubtful), "--threshold", "96")).status == 1
    bad = tmp_path / "bad.yaml"
    bad.write_text("display_name: x\nstep: []\n")
    refused = await house.run("campaigns", "validate", str(bad))
    assert refused.status == 2
    assert "bad.yaml:2:1: A campaign has no key `step` (did you mean `steps`?)." in refused.err


async def test_campaigns_are_stored_revised_checked_and_deleted(house: House) -> None:
    name = (await house.ok("campaigns", "create", SOUND, "--external-id", "check-up", "--json")).json["name"]

    await house.ok("campaigns", "revise", "check-up", DAMAGED)
    assert (await house.run("campaigns", "check", "check-up")).status == 1
    assert (await house.ok("campaigns", "check", "check-up", "--revision", "1")).out.endswith("score 100 of 100.\n")
    await house.ok("campaigns", "update-revision", name, "2", SOUND)
    assert (await house.ok("campaigns", "ready", name, "2")).out == f"{name} revision 2 is ready.\n"
    assert (await house.run("campaigns", "update-revision", name, "2", SOUND)).status == 1
    assert [one["name"] for one in (await house.ok("campaigns", "list", "--json")).lines] == [name]
    assert "2 of 2, ready" in (await house.ok("campaigns", "show", name)).out
    assert "- id: morning\n" in (await house.ok("campaigns", "show", name, "--yaml")).out
    await house.ok("campaigns", "delete-revision", name, "2", "--yes")
    await house.ok("campaigns", "delete", name, "--yes")
    assert (await house.run("campaigns", "show", name)).status == 3
