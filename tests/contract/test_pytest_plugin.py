"""The pytest plugin of the client, and the example for CI, in a pytest of their own against a real `greenroom up`."""

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.contract.example_agents import own_agent
from tests.contract.houses import ENVIRONMENT, House, serving
from tests.suite import EXAMPLES

CI = EXAMPLES.parent / "ci" / "tests"
BOT = EXAMPLES.parent / "agents" / "openai_bot.py"
SPEC = """
batch:
  size: 4
  source_filter: {format: greenroom}
  linked_revisions: true
  conversation: {seed: 1, tool_config: {default_answer: {error: {code: NONE}}}}
"""
TESTS = """
def test_it_is_good(greenroom_rehearsal):
    result = greenroom_rehearsal("spec.yaml", threshold=0)
    assert result.good
    assert result.verdict == "PASSED"
    assert result.report.sides[0].success.total == 4


async def test_it_is_bad_in_an_event_loop_too(greenroom_rehearsal):
    impossible = {"id": "sings", "text": "The agent sings.", "told": {"value": "la la la"}}
    assert greenroom_rehearsal("spec.yaml", threshold=1, expectations=[impossible]).good


def test_a_misspelt_field(greenroom_rehearsal):
    greenroom_rehearsal({"batch": {"conversation": {"max_tuns": 3}}})


def test_a_wrong_value(greenroom_rehearsal):
    greenroom_rehearsal("spec.yaml", threshold="high")


def test_a_refused_spec(greenroom_rehearsal):
    greenroom_rehearsal("spec.yaml", threshold=7)
"""


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with serving(tmp_path_factory.mktemp("house")) as running:
        for noun in ("procedures", "sources"):
            await running.ok(noun, "import", str(EXAMPLES / f"{noun}.jsonl"))
        yield running


@dataclass(frozen=True)
class Ran:
    status: int
    out: str


async def ran(house: House, folder: Path) -> Ran:
    """What pytest says about the tests of a folder, with the plugin as the wheel installs it."""
    plugins = ("-p", "greenroom.client.pytest_plugin", "-o", "asyncio_mode=auto", "-p", "no:cacheprovider")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", *plugins, "--rootdir", folder, folder),
        stdout=asyncio.subprocess.PIPE,
        cwd=folder,
        env=ENVIRONMENT | {"GREENROOM_ADDRESS": house.address, "COLUMNS": "200"},
    )
    said, _ = await process.communicate()
    assert process.returncode is not None
    return Ran(process.returncode, said.decode())


async def test_the_fixture_returns_the_verdict_and_a_failed_test_says_what_explains_it(
    house: House, tmp_path: Path
) -> None:
    (tmp_path / "spec.yaml").write_text(SPEC)
    (tmp_path / "test_agent.py").write_text(TESTS)

    found = await ran(house, tmp_path)

    assert "4 failed, 1 passed" in found.out, found.out
    assert "BELOW_THRESHOLD: Below the threshold of 100 %" in found.out
    assert "sings: met by 0 of 4" in found.out
    assert "The agent never says “la la la”." in found.out
    assert "A ConversationSpec has no field `max_tuns`; did you mean `max_turns`?" in found.out
    assert "The spec cannot be read: Couldn't parse float: high" in found.out
    assert "spec.threshold" in found.out


async def test_the_example_for_ci_ends_in_a_verdict_about_two_bots(house: House, tmp_path: Path) -> None:
    spec = (CI / "rehearsal.yaml").read_text()
    async with own_agent(program=BOT) as live, own_agent(program=BOT) as preview:
        for name, address in (("https://bot.example", live), ("https://preview.bot.example", preview)):
            assert spec.count(name) == 1
            spec = spec.replace(name, f"http://{address}")
        (tmp_path / "rehearsal.yaml").write_text(spec)
        (tmp_path / "test_rehearsal.py").write_bytes((CI / "test_rehearsal.py").read_bytes())

        found = await ran(house, tmp_path)

    assert (found.status, "1 passed" in found.out) == (0, True), found.out
    [rehearsal] = [one for one in (await house.ok("rehearsals", "list", "--json")).lines if len(one["sides"]) == 2]
    report = (await house.ok("rehearsals", "show", rehearsal["name"], "--json")).json["result"]
    assert report["verdict"] == "VERDICT_AS_GOOD"
    assert (report["comparison"]["pairs"], report["sides"][0]["label"]) == (50, "pull request 0")
