"""What `greenroom` shows of a rehearsal: on a terminal, in a pipe, cut short, and by its exit status."""

import asyncio
import json
import os
import pty
import re
import signal
import sys
from pathlib import Path

import pytest

from tests.contract.cli_fakes import NAME, TURNS, Rehearsal, conversation, playing
from tests.contract.houses import ENVIRONMENT, Outcome, finished, spawn

_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


async def run(address: str, *arguments: str) -> Outcome:
    return await finished(await spawn(*arguments, GREENROOM_ADDRESS=address))


@pytest.fixture
def spec(tmp_path: Path) -> str:
    path = tmp_path / "spec.yaml"
    path.write_text("conversation: {procedure: procedures/returns, seed: 3}\nsize: 8\n")
    return str(path)


async def test_a_batch_is_created_watched_and_only_then_let_run(spec: str) -> None:
    rehearsal = Rehearsal()
    async with playing(rehearsal) as address:
        outcome = await run(address, "batches", "start", spec, "--seed", "7")
    assert outcome.status == 0
    assert (rehearsal.spec.size, rehearsal.spec.conversation.seed) == (8, 7)
    lines = outcome.out.splitlines()
    assert lines[0] == f"1 of 8  {conversation(0)}  completed after {TURNS} turns: USER_LEFT, The user left."
    assert "8 completed, 0 failed" in lines
    assert "\x1b" not in outcome.out


async def test_a_batch_with_failures_ends_with_status_1_and_says_what_can_be_done(spec: str) -> None:
    async with playing(Rehearsal(failing=2)) as address:
        outcome = await run(address, "batches", "start", spec)
    assert outcome.status == 1
    assert "6 completed, 2 failed" in outcome.out
    assert "AGENT_UNREACHABLE (agent): The agent did not answer." in outcome.out
    assert "greenroom batches retry 0193507a" in outcome.out


async def test_a_retry_tells_of_its_own_attempt_only_and_counts_on_from_what_was() -> None:
    rehearsal = Rehearsal(failing=2)
    rehearsal.running.set()
    rehearsal.over = True
    async with playing(rehearsal) as address:
        outcome = await run(address, "batches", "retry", NAME)
    assert outcome.status == 0
    assert outcome.out.splitlines()[:3] == [
        f"7 of 8  {conversation(0)}  completed after {TURNS} turns: USER_LEFT, The user left.",
        f"8 of 8  {conversation(1)}  completed after {TURNS} turns: USER_LEFT, The user left.",
        "8 completed, 0 failed",
    ]


async def test_what_goes_into_a_pipe_has_no_blanks_at_the_ends_of_lines() -> None:
    async with playing(Rehearsal(failing=2)) as address:
        outcomes = [
            await run(address, "batches", *arguments) for arguments in (["list"], ["show", NAME], ["results", NAME])
        ]
    lines = [line for outcome in outcomes for line in outcome.out.splitlines()]
    assert len(lines) > 10
    assert [line for line in lines if line != line.rstrip()] == []


async def test_no_watch_returns_at_once(spec: str) -> None:
    rehearsal = Rehearsal(holds=1)
    async with playing(rehearsal) as address:
        outcome = await run(address, "batches", "start", spec, "--no-watch", "--json")
    assert outcome.status == 0
    assert json.loads(outcome.out)["name"] == NAME
    assert not rehearsal.watched.is_set()


async def test_watching_for_programs_is_one_event_a_line() -> None:
    rehearsal = Rehearsal(size=4)
    rehearsal.running.set()
    async with playing(rehearsal) as address:
        outcome = await run(address, "batches", "watch", NAME, "--json")
    events = [json.loads(line) for line in outcome.out.splitlines()]
    assert len(events) == len(rehearsal.events)
    assert events[4]["user_message"] == {"text": "Hi! I want to return a coat."}


async def test_interrupting_a_watch_leaves_the_batch_running_and_says_how_to_come_back(spec: str) -> None:
    rehearsal = Rehearsal(holds=20)
    async with playing(rehearsal) as address:
        process = await spawn("batches", "start", spec, GREENROOM_ADDRESS=address)
        await rehearsal.held.wait()
        process.send_signal(signal.SIGINT)
        outcome = await finished(process)
        await rehearsal.left.wait()
    assert outcome.status == 130
    assert outcome.err.splitlines() == [
        f"{NAME} goes on.",
        f"  greenroom batches watch {NAME.removeprefix('batches/')}",
        f"  greenroom batches cancel {NAME.removeprefix('batches/')}",
    ]


async def test_a_terminal_shows_progress_in_place_within_80_columns(spec: str) -> None:
    rehearsal = Rehearsal(holds=20)
    async with playing(rehearsal) as address:
        terminal, end = pty.openpty()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cli", "batches", "start", spec),
            stdout=end,
            stderr=end,
            stdin=end,
            env=ENVIRONMENT | {"GREENROOM_ADDRESS": address, "TERM": "xterm", "COLUMNS": "80", "LINES": "24"},
        )
        os.close(end)
        screen = Screen(terminal)
        await screen.shows("turn 1 of 20   user: Crystal Minh.")
        await screen.shows("0 of 8")
        rehearsal.go.set()
        await screen.shows("8 completed, 0 failed")
        assert await process.wait() == 0
        screen.close()
    assert max(len(line.rstrip("\r")) for line in _CODES.sub("", screen.text).replace("\r", "\n").split("\n")) <= 80


async def test_no_color_is_respected(spec: str) -> None:
    async with playing(Rehearsal(failing=1)) as address:
        terminal, end = pty.openpty()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cli", "batches", "results", NAME),
            stdout=end,
            stderr=end,
            stdin=end,
            env=ENVIRONMENT | {"GREENROOM_ADDRESS": address, "TERM": "xterm", "NO_COLOR": "1"},
        )
        os.close(end)
        screen = Screen(terminal)
        await process.wait()
        await screen.shows(conversation(7).removeprefix("conversations/"))
        screen.close()
    assert "\x1b[3" not in screen.text


class Screen:
    """What a program wrote to a pseudo-terminal."""

    def __init__(self, terminal: int) -> None:
        self.text = ""
        self._terminal = terminal
        self._changed = asyncio.Event()
        asyncio.get_running_loop().add_reader(terminal, self._read)

    def _read(self) -> None:
        try:
            data = os.read(self._terminal, 65536)
        except OSError:  # the program has closed its end
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(self._terminal)
        self.text += data.decode(errors="replace")
        self._changed.set()

    async def shows(self, text: str) -> None:
        async with asyncio.timeout(30):
            while text not in _CODES.sub("", self.text):
                self._changed.clear()
                await self._changed.wait()

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._terminal)
        os.close(self._terminal)


async def test_results_can_be_narrowed_and_read_by_programs() -> None:
    async with playing(Rehearsal(failing=3)) as address:
        outcome = await run(address, "batches", "results", NAME, "--state", "failed", "--json")
    rows = [json.loads(line) for line in outcome.out.splitlines()]
    assert [row["conversation"] for row in rows] == [conversation(index) for index in range(3)]
    assert {row["fault"] for row in rows} == {"FAULT_AGENT"}


async def test_a_transcript_shows_who_said_what_with_tool_calls_between() -> None:
    async with playing(Rehearsal()) as address:
        outcome = await run(address, "conversations", "transcript", conversation(1))
    assert [line.rstrip() for line in outcome.out.splitlines()] == [
        "user   Hi! I want to return a coat.",
        "agent  I am sorry to hear that. May I have your full name [as on the order]?",
        "user   Crystal Minh. How much does the return cost me, and who pays it?",
        '         → refund_order(amount=40, order_id="3348917501")',
        '         ← {"refunded": true}',
        "agent  Nothing at all: I have refunded 40 dollars to your card.",
        "user   (says nothing)",
        "user   Thank you, goodbye. (leaves)",
        f"completed after {TURNS} turns: USER_LEFT, The user left.",
    ]


async def test_an_export_that_was_interrupted_goes_on_when_repeated(tmp_path: Path) -> None:
    path = tmp_path / "transcripts.jsonl"
    rehearsal = Rehearsal()
    rehearsal.cut_exports = True
    async with playing(rehearsal) as address:
        first = await run(address, "batches", "export", NAME, "--output", str(path))
        assert first.status == 1
        assert not path.exists()
        # As if the last write before a crash had not been noted.
        with path.with_name("transcripts.jsonl.part").open("ab") as file:
            file.write(b'{"conversation": {"na')
        rehearsal.cut_exports = False
        second = await run(address, "batches", "export", NAME, "--output", str(path))
        assert second.status == 0
        third = await run(address, "batches", "export", NAME, "--output", str(path))
    assert [json.loads(line)["conversation"]["name"] for line in path.read_text().splitlines()] == [
        conversation(index) for index in range(8)
    ]
    assert rehearsal.exports == ["", "3"]
    assert third.status == 1
    assert "exists" in third.err
    assert os.listdir(tmp_path) == ["transcripts.jsonl"]  # noqa: PTH208


async def test_an_export_to_standard_output_says_where_to_go_on() -> None:
    rehearsal = Rehearsal()
    rehearsal.cut_exports = True
    async with playing(rehearsal) as address:
        first = await run(address, "batches", "export", NAME)
        rehearsal.cut_exports = False
        second = await run(address, "batches", "export", NAME, "--cursor", "3")
    assert "Go on with --cursor 3" in first.err
    assert len((first.out + second.out).splitlines()) == 8


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["batches", "show", "no-such"], 3, "greenroom: There is no batches/no-such.\n"),
        (["batches", "strat"], 2, "greenroom: No such command 'strat'. Did you mean 'start'? See --help.\n"),
        (["batches", "start"], 2, "greenroom: Missing argument 'SPEC.yaml'. See --help.\n"),
        (
            ["batches", "show", "conversations/1"],
            2,
            "greenroom: `conversations/1` names none of the batches; write batches/… or only what follows, "
            "in small letters, digits and dashes.\n",
        ),
        (["batches", "start", "no-such.yaml"], 2, "greenroom: no-such.yaml: No such file or directory.\n"),
        (
            ["batches", "list", "--state", "runing"],
            2,
            "greenroom: the options: `state` cannot be `runing`; it is one of ",
        ),
        (["serve", "gatway"], 2, "greenroom: There is no service `gatway` (did you mean `gateway`?).\n"),
    ],
)
async def test_an_error_is_one_sentence_and_a_status(arguments: list[str], status: int, sentence: str) -> None:
    async with playing(Rehearsal()) as address:
        outcome = await run(address, *arguments)
    assert outcome.status == status
    assert outcome.err.startswith(sentence)
    assert outcome.err.count("\n") == 1
    assert outcome.out == ""


async def test_a_gateway_that_is_not_there_is_status_4() -> None:
    async with playing(Rehearsal()) as address:
        pass
    outcome = await run(address, "batches", "list")
    assert outcome.status == 4
    assert outcome.err == (
        f"greenroom: Nothing answers at {address}; start it with `greenroom up`, or say where it is with --address.\n"
    )
