"""`greenroom talk`: a person at a terminal, and a pipe."""

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.houses import House, finished, serving, spawn
from tests.contract.screens import on_terminal

EXAMPLE = Path(__file__).parents[2] / "examples" / "returns"
NO_ORDER = '{"tool_config": {"default_answer": {"error": {"code": "NOT_FOUND", "message": "There is none."}}}}'


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("house")
    async with serving(folder) as running:
        await running.ok("procedures", "import", str(EXAMPLE / "procedures.jsonl"))
        (folder / "talk.yaml").write_text(NO_ORDER)
        yield running


def start(house: House) -> list[str]:
    return ["talk", str(house.folder / "talk.yaml"), "--procedure", "returns"]


async def test_a_pipe_says_each_line_and_its_end_leaves_the_conversation_open(house: House) -> None:
    lines = "I want to return LH-10001, my email is a@b.example.\n\nThanks.\n"
    said = await finished(await spawn(*start(house), given=lines, GREENROOM_ADDRESS=house.address))

    assert said.status == 0, said.err
    first, then = said.out.index("user   I want to return LH-10001"), said.out.index("user   Thanks.")
    assert "→ find_order" in said.out[first:then]
    assert "← NOT_FOUND: There is none." in said.out[first:then]
    assert said.out[then:].count("\nagent  ") == 1
    assert "stays open." in said.out

    resume = ["talk", "--resume", "latest"]
    ended = await finished(await spawn(*resume, given="/end\nToo late.\n", GREENROOM_ADDRESS=house.address))
    assert ended.status == 0
    assert "user   Thanks." in ended.out
    assert ended.out.rstrip().endswith("FINISHED, Somebody finished it.")

    transcript = await house.ok("conversations", "transcript", "latest", "--seq")
    assert transcript.out.startswith("   2 user   I want to return LH-10001")
    replay = [*start(house), "--based-on", "latest", "--at", "2"]
    other = await finished(await spawn(*replay, given="/quit\n", GREENROOM_ADDRESS=house.address))
    assert other.status == 0, other.err
    assert (other.out.count("\nuser   "), other.out.count("\nagent  ")) == (1, 1)


async def test_a_pipe_fails_where_a_line_is_refused(house: House) -> None:
    said = await finished(await spawn(*start(house), given=f"{'x' * 20_001}\n", GREENROOM_ADDRESS=house.address))

    assert said.status == 2
    assert "events[0].user_message.text" in said.err


async def test_a_person_is_the_agent_calls_a_tool_and_goes_on_after_ctrl_c(house: House) -> None:
    async with on_terminal(*start(house), "--as-agent", GREENROOM_ADDRESS=house.address) as (process, screen):
        await screen.shows("agent> ")
        assert "You are the agent. Eager Eddie is the user." in screen.words
        screen.types("/tools\n/call find_order {bad\n")
        await screen.shows("find_order(email, order_id)")
        await screen.shows("`{bad` is no JSON object of arguments.")
        screen.types('/call find_order {"order_id": "LH-10001", "email": "a@b.example"}\n')
        await screen.shows("NOT_FOUND: There is none.")
        process.send_signal(signal.SIGINT)
        await screen.shows("stays open.")
        assert await process.wait() == 130

    resume = ("talk", "--resume", "latest", "--as-agent")
    async with on_terminal(*resume, GREENROOM_ADDRESS=house.address) as (process, screen):
        await screen.shows("NOT_FOUND: There is none.")
        await screen.shows("agent> ")
        screen.types("I am sorry, there is no such order.\n")
        await screen.shows("user   ")
        screen.types("/end\n")
        await screen.shows("FINISHED")
        assert await process.wait() == 0
