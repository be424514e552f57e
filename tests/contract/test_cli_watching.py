"""The output of `greenroom` for a running batch: on a terminal, in a pipe, interrupted, and its exit status."""

import json
import os
import signal
from pathlib import Path

import pytest

from cli.kit.agents import set_agent
from cli.kit.render import state
from cli.kit.run import Failed
from greenroom.synthesizer.v1.batch_pb2 import BatchSpec
from greenroom.synthesizer.v1.conversation_pb2 import (
    AgentTarget,
    ConversationSpec,
    GrpcAgent,
    OpenaiAgent,
    ProcedureAgent,
)
from tests.contract.cli_fakes import NAME, TURNS, Rehearsal, conversation, playing
from tests.contract.houses import Outcome, command, finished, spawn
from tests.contract.screens import on_terminal


async def run(address: str, *arguments: str) -> Outcome:
    return await finished(await command(*arguments, GREENROOM_ADDRESS=address))


@pytest.fixture
def spec(tmp_path: Path) -> str:
    path = tmp_path / "spec.yaml"
    path.write_text("conversation: {procedure: procedures/returns, seed: 3}\nsize: 8\n")
    return str(path)


async def test_a_batch_is_created_then_watched_then_run(spec: str) -> None:
    rehearsal = Rehearsal()
    async with playing(rehearsal) as address:
        outcome = await run(address, "batches", "start", spec, "--seed", "7")
    assert outcome.status == 0
    assert (rehearsal.spec.size, rehearsal.spec.conversation.seed) == (8, 7)
    lines = outcome.out.splitlines()
    assert lines[0] == f"1 of 8  {conversation(0)}  completed after {TURNS} turns: USER_LEFT, The user left."
    assert "8 completed, 0 failed" in lines
    assert "\x1b" not in outcome.out


async def test_options_win_over_a_spec_from_standard_input() -> None:
    given = "conversation: {agent: {grpc: {address: 'old:1', tls: true}}, model: old, seed: 1}\nlabels: [a]"
    options = (
        "--agent bot.test:9100 --persona-target me.test:9101 --model new --seed 7 --size 3 --max-in-flight 2 --label b"
    )
    rehearsal = Rehearsal(size=3)
    async with playing(rehearsal) as address:
        process = await spawn(*("batches", "start", "-", *options.split()), given=given, GREENROOM_ADDRESS=address)
        assert (await finished(process)).status == 0

    agent = AgentTarget(grpc=GrpcAgent(address="bot.test:9100", tls=True))
    customer = AgentTarget(grpc=GrpcAgent(address="me.test:9101"))
    conversation = ConversationSpec(agent=agent, persona_target=customer, model="new", seed=7)
    assert rehearsal.spec == BatchSpec(conversation=conversation, size=3, max_in_flight=2, labels=["a", "b"])


@pytest.mark.parametrize(
    ("value", "agent"),
    [
        ("127.0.0.1:9100", AgentTarget(grpc=GrpcAgent(address="127.0.0.1:9100"))),
        ("grpc:[::1]:9100", AgentTarget(grpc=GrpcAgent(address="[::1]:9100"))),
        ("openai:http://[::1]:80/v1", AgentTarget(openai=OpenaiAgent(base_url="http://[::1]:80/v1"))),
        ("openai:http://bot/v1#m:7b", AgentTarget(openai=OpenaiAgent(base_url="http://bot/v1", model="m:7b"))),
        ("procedure_agent", AgentTarget(procedure_agent=ProcedureAgent())),
    ],
)
def test_an_agent_is_named_by_its_address_or_its_kind(value: str, agent: AgentTarget) -> None:
    spec = ConversationSpec()
    set_agent(spec.agent, value)
    assert spec.agent == agent


@pytest.mark.parametrize("value", ["", "bot", "grpc", "grcp:127.0.0.1:1", "procedure_agent:x", "grpc:a:1#m"])
def test_a_text_that_names_no_agent_is_refused_with_a_sentence(value: str) -> None:
    with pytest.raises(Failed, match=f"`{value}` names no agent; write HOST:PORT, or KIND:TARGET such as grpc:"):
        set_agent(AgentTarget(), value)


def test_an_address_without_a_kind_is_refused_with_the_kinds_that_it_may_have() -> None:
    with pytest.raises(Failed, match=r"write openai:https://bot for .*, or http:https://bot for a webhook"):
        set_agent(AgentTarget(), "https://bot")


async def test_a_batch_with_failures_exits_with_1_and_suggests_the_next_command(spec: str) -> None:
    async with playing(Rehearsal(failing=2)) as address:
        outcome = await run(address, "batches", "start", spec)
    assert outcome.status == 1
    assert "6 completed, 2 failed" in outcome.out
    assert "state        completed, 2 of 8 failed" in outcome.out
    assert "2 x AGENT_UNREACHABLE (agent): The agent did not answer." in outcome.out
    assert outcome.out.count("The agent did not answer.") == 2, "once as it happens, and once at the end"
    assert f"Try those again:\n  greenroom batches retry {NAME}" in outcome.out


async def test_a_batch_in_which_all_failed_says_so_in_every_command_and_is_not_green(spec: str) -> None:
    rehearsal = Rehearsal(size=10, failing=10)
    rehearsal.over = True
    async with playing(rehearsal) as address:
        started = await run(address, "batches", "start", spec)
        watched = await run(address, "batches", "watch", NAME, "--json")
        listed = await run(address, "batches", "list")
        shown = await run(address, "batches", "show", NAME)
    assert (started.status, watched.status) == (1, 1)
    for outcome in (started, listed, shown):
        assert "completed, 10 of 10 failed" in outcome.out
    assert state(rehearsal.batch(ended=True)).style == "red"


async def test_a_retry_is_not_suggested_for_failures_that_only_another_spec_mends(spec: str) -> None:
    async with playing(Rehearsal(failing=2, reason="TOOL_NOT_MOCKED")) as address:
        outcome = await run(address, "batches", "start", spec)
    assert outcome.status == 1
    assert "batches retry" not in outcome.out
    assert "2 would fail the same way after a retry: the tool config needs a rule" in outcome.out
    assert f"greenroom conversations start SPEC.yaml --based-on {conversation(0)}\n" in outcome.out


async def test_a_retry_is_suggested_for_later_where_the_server_lacks_something(spec: str) -> None:
    async with playing(Rehearsal(failing=2, reason="MODEL_DENIED")) as address:
        outcome = await run(address, "batches", "start", spec)
    assert f"When the cause is mended, try those again:\n  greenroom batches retry {NAME}" in outcome.out


async def test_a_retry_without_failures_says_that_there_is_nothing_to_retry() -> None:
    rehearsal = Rehearsal()
    rehearsal.over = True
    async with playing(rehearsal) as address:
        outcome = await run(address, "batches", "retry", NAME)
    assert (outcome.status, outcome.out) == (0, f"No conversation of {NAME} failed, so there is nothing to retry.\n")


async def test_a_cancelled_batch_is_printed_as_it_ended() -> None:
    rehearsal = Rehearsal(holds=1)
    async with playing(rehearsal) as address:
        outcome = await run(address, "batches", "cancel", NAME)
    assert "state          cancelled" in outcome.out
    assert outcome.err == ""


async def test_a_retry_shows_only_its_own_attempt_and_keeps_counting() -> None:
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


async def test_an_agent_that_repeats_itself_is_seen_in_the_results_and_the_summary() -> None:
    rehearsal = Rehearsal(repeats=16)
    rehearsal.running.set()
    rehearsal.over = True
    async with playing(rehearsal) as address:
        results = await run(address, "batches", "results", NAME)
        watched = await run(address, "batches", "watch", NAME)
    header, first, second, *_ = results.out.splitlines()
    assert first[header.index("REPEATS") :].split()[:2] == ["16", "USER_LEFT"]
    assert second[header.index("REPEATS") :].split()[:1] == ["USER_LEFT"]
    assert "repeats      16 agent messages repeat an earlier one" in watched.out.splitlines()


async def test_output_to_a_pipe_has_no_trailing_blanks() -> None:
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


async def test_a_watch_with_json_prints_one_event_per_line() -> None:
    rehearsal = Rehearsal(size=4)
    rehearsal.running.set()
    async with playing(rehearsal) as address:
        outcome = await run(address, "batches", "watch", NAME, "--json")
    events = [json.loads(line) for line in outcome.out.splitlines()]
    assert len(events) == len(rehearsal.events)
    assert events[4]["user_message"] == {"text": "Hi! I want to return a coat."}


async def test_interrupting_a_watch_leaves_the_batch_running_and_shows_how_to_watch_it_again(spec: str) -> None:
    rehearsal = Rehearsal(holds=20)
    async with playing(rehearsal) as address:
        process = await spawn("batches", "start", spec, GREENROOM_ADDRESS=address)
        await rehearsal.held.wait()
        process.send_signal(signal.SIGINT)
        outcome = await finished(process)
        await rehearsal.left.wait()
    assert outcome.status == 130
    assert outcome.err.splitlines() == [
        f"{NAME} keeps running.",
        f"  greenroom batches watch {NAME}",
        f"  greenroom batches cancel {NAME}",
    ]


async def test_a_terminal_shows_progress_in_place_within_80_columns(spec: str) -> None:
    rehearsal = Rehearsal(holds=20)
    async with (
        playing(rehearsal) as address,
        on_terminal("batches", "start", spec, GREENROOM_ADDRESS=address) as (process, screen),
    ):
        await screen.shows("turn 1 of 20   user: Crystal Minh.")
        await screen.shows("0 of 8")
        rehearsal.go.set()
        await screen.shows("8 completed, 0 failed")
        assert await process.wait() == 0
    assert max(len(line.rstrip("\r")) for line in screen.words.replace("\r", "\n").split("\n")) <= 80


async def test_no_color_is_respected() -> None:
    async with (
        playing(Rehearsal(failing=1)) as address,
        on_terminal("batches", "results", NAME, GREENROOM_ADDRESS=address, NO_COLOR="1") as (process, screen),
    ):
        await process.wait()
        await screen.shows(conversation(7)[-8:])
    assert "\x1b[3" not in screen.text


async def test_results_can_be_filtered_and_printed_as_json() -> None:
    async with playing(Rehearsal(failing=3)) as address:
        outcome = await run(address, "batches", "results", NAME, "--state", "failed", "--json")
    rows = [json.loads(line) for line in outcome.out.splitlines()]
    assert [row["conversation"] for row in rows] == [conversation(index) for index in range(3)]
    assert {row["fault"] for row in rows} == {"FAULT_AGENT"}


async def test_a_transcript_shows_messages_and_tool_calls_in_order() -> None:
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


async def test_an_interrupted_export_resumes_when_repeated(tmp_path: Path) -> None:
    path = tmp_path / "transcripts.jsonl"
    rehearsal = Rehearsal()
    rehearsal.cut_exports = True
    async with playing(rehearsal) as address:
        first = await run(address, "batches", "export", NAME, "--output", str(path))
        assert first.status == 1
        assert not path.exists()
        # Simulate a crash after a write and before its progress was saved.
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


async def test_an_interrupted_export_to_standard_output_prints_the_cursor() -> None:
    rehearsal = Rehearsal()
    rehearsal.cut_exports = True
    async with playing(rehearsal) as address:
        first = await run(address, "batches", "export", NAME)
        rehearsal.cut_exports = False
        second = await run(address, "batches", "export", NAME, "--cursor", "3")
    assert "Continue with --cursor 3" in first.err
    assert len((first.out + second.out).splitlines()) == 8


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["batches", "show", "batches/no-such"], 3, "greenroom: There is no batches/no-such.\n"),
        (
            ["batches", "show", "no-such"],
            3,
            'greenroom: There is no batch "no-such": no name begins or ends with it, and no external id is it.\n',
        ),
        (["batches", "strat"], 2, "greenroom: No such command 'strat'. Did you mean 'start'? See --help.\n"),
        (["batches", "start"], 2, "greenroom: Missing argument 'SPEC.yaml'. See --help.\n"),
        (
            ["traces", "datasets", "show", "conversations/1"],
            2,
            "greenroom: `conversations/1` is not a name in datasets; write datasets/… or only the part after the "
            "slash, in lower-case letters, digits and dashes.\n",
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
async def test_an_error_is_one_sentence_and_an_exit_status(arguments: list[str], status: int, sentence: str) -> None:
    async with playing(Rehearsal()) as address:
        outcome = await run(address, *arguments)
    assert outcome.status == status
    assert outcome.err.startswith(sentence)
    assert outcome.err.count("\n") == 1
    assert outcome.out == ""


async def test_an_unreachable_gateway_is_exit_status_4() -> None:
    async with playing(Rehearsal()) as address:
        pass
    outcome = await run(address, "batches", "list")
    assert outcome.status == 4
    assert outcome.err == (
        f"greenroom: Nothing answers at {address}; start it with `greenroom up`, or pass its address with --address.\n"
    )
