"""A rehearsal inferred from recorded conversations, over gRPC and by `greenroom init`."""

import gzip
import json
import shlex
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict

from greenroom.client import Client, GreenroomError
from shared import yaml
from tests.contract.houses import House, command, finished, serving
from tests.contract.http_agents import bot, whole
from tests.suite import suite

SYSTEM = {"role": "system", "content": "You help customers of a lamp shop.\n\nBe brief."}


def chat(number: int) -> dict[str, Any]:
    """A customer asks for an order, and the agent finds it."""
    order, due = f"LH-{20000 + number}", f"2026-01-{number % 28 + 1:02}"
    call = {"name": "find_order", "arguments": json.dumps({"order": order, "mail": f"c{number}@example.com"})}
    return {
        "id": f"chat-{number}",
        "messages": [
            SYSTEM,
            {"role": "user", "content": f"Hello, could you please tell me when my order {order} arrives?"},
            {"role": "assistant", "tool_calls": [{"id": "1", "type": "function", "function": call}]},
            {"role": "tool", "tool_call_id": "1", "content": json.dumps({"due": due, "state": "shipped"})},
            {"role": "assistant", "content": f"It arrives on {due}."},
            {"role": "user", "content": "Thank you, that is all that I wanted to know."},
        ],
    }


def written(path: Path, *lines: object) -> Path:
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return path


@pytest.fixture(scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    async with suite("sqlite", tmp_path_factory.mktemp("suite")) as greenroom:
        yield greenroom.client


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with serving(tmp_path_factory.mktemp("house")) as running:
        yield running


async def test_a_procedure_and_personas_are_inferred_and_nothing_is_stored(client: Client, tmp_path: Path) -> None:
    found = await client.inference.infer_file(written(tmp_path / "chats.jsonl", *map(chat, range(10)), "not JSON"))

    assert (found.summary.format, found.summary.imported, found.summary.refused) == ("openai", 10, 1)
    assert found.revision.instructions == SYSTEM["content"]
    assert (found.instructions.records, found.instructions.of) == (10, 10)
    (tool,), (rests_on,) = found.revision.tools, found.tools
    arguments, results = MessageToDict(tool.arguments_schema), MessageToDict(tool.result_schema)
    assert arguments["properties"]["mail"] == {"type": "string", "format": "email"}
    assert arguments["required"] == ["order", "mail"]
    assert results["properties"]["due"]["format"] == "date"
    assert (rests_on.calls, rests_on.conversations, rests_on.answers) == (10, 10, 10)
    assert [one.support.records for one in found.personas] == [10]
    assert [one async for one in client.sources.list()] == []
    assert [one async for one in client.procedures.list()] == []


async def test_the_tools_that_a_file_offers_are_taken_as_they_are(client: Client, tmp_path: Path) -> None:
    parameters = {"type": "object", "properties": {"order": {"type": "string", "pattern": "^LH-"}}}
    function = {"name": "find_order", "description": "Find an order.", "parameters": parameters}
    offering = {**chat(1), "tools": [{"type": "function", "function": function}]}

    found = await client.inference.infer_file(written(tmp_path / "chats.jsonl", offering))

    assert found.revision.tools[0].description == "Find an order."
    assert MessageToDict(found.revision.tools[0].arguments_schema) == parameters
    assert (found.tools[0].offers, found.tools[0].calls) == (1, 1)


async def test_other_formats_and_files_without_conversations_are_read_as_by_an_import(
    client: Client, tmp_path: Path
) -> None:
    table = written(tmp_path / "table.csv", "ticket_id,author,message", "7,customer,Hello?", "7,agent,Hi.")

    of_table = await client.inference.infer_file(table)
    of_nothing = await client.inference.infer_file(written(tmp_path / "empty.jsonl"))
    with pytest.raises(GreenroomError) as refused:
        await client.inference.infer_file(written(tmp_path / "prose.txt", "Dear diary,"))

    assert (of_table.summary.format, of_table.summary.imported, len(of_table.revision.tools)) == ("table", 1, 0)
    assert [problem.reason for problem in of_nothing.summary.problems] == ["EMPTY_FILE"]
    assert refused.value.reason == "FORMAT_NOT_DETECTED"


async def test_the_printed_commands_rehearse_an_agent_fifty_times(house: House, tmp_path: Path) -> None:
    file, folder = tmp_path / "chats.jsonl.gz", tmp_path / "lamp shop"
    file.write_bytes(gzip.compress("".join(f"{json.dumps(chat(number))}\n" for number in range(20)).encode()))
    async with bot() as agent:
        agent.answers = [whole({"say": {"text": "It arrives tomorrow."}})]

        told = await house.ok("init", str(file), "--folder", str(folder), "--agent", f"http:{agent.address}/act")
        _, _, commands = told.out.partition("Next:\n")
        outcomes = [await house.ok(*shlex.split(line)[1:]) for line in commands.splitlines()]

    revised = await house.ok("procedures", "revise", "lamp-shop", str(folder / "procedure.yaml"), "--ready")

    assert len(outcomes) == 4
    assert "has revision 2, ready" in revised.out
    assert "50 completed, 0 failed" in outcomes[-1].out
    assert agent.bodies[0]["tools"][0]["name"] == "find_order"
    assert agent.bodies[0]["instructions"] == SYSTEM["content"]


async def test_personal_data_is_neither_in_the_files_nor_in_what_is_imported(house: House, tmp_path: Path) -> None:
    chats = [{**chat(number), "id": f"private-{number}"} for number in range(20)]
    file, folder = written(tmp_path / "private.jsonl", *chats), tmp_path / "private"

    await house.ok("init", str(file), "--folder", str(folder), "--redact", "on", "--start")

    exported = await house.ok("sources", "export", "--label", "private")
    for text in (exported.out, *(one.read_text() for one in folder.iterdir())):
        assert "c1@example.com" not in text
    assert "user1@example.com" in exported.out


async def test_the_files_say_how_many_records_support_them_and_are_not_overwritten(
    house: House, tmp_path: Path
) -> None:
    file, folder = written(tmp_path / "chats.jsonl", *map(chat, range(20))), tmp_path / "chats"
    await house.ok("init", str(file), "--folder", str(folder))

    procedure = (folder / "procedure.yaml").read_text()
    assert "- name: find_order  # 20 calls in 20 conversations" in procedure
    assert "format: email  # all 20 values" in procedure
    assert yaml.load(procedure, "procedure.yaml")["revision"]["instructions"] == SYSTEM["content"]
    assert "# 20 of 20 customers" in (folder / "personas.yaml").read_text()
    again = await house.run("init", str(file), "--folder", str(folder))
    assert (again.status, again.err) == (
        2,
        f"greenroom: {folder / 'procedure.yaml'} exists; choose another --folder, or overwrite it with --force.\n",
    )
    await house.ok("init", str(file), "--folder", str(folder), "--force")


async def test_init_again_revises_the_procedure_changes_the_personas_and_stops_if_all_sources_are_refused(
    house: House, tmp_path: Path
) -> None:
    file, folder = tmp_path / "again.jsonl", tmp_path / "again"
    words = ("init", str(file), "--folder", str(folder), "--force", "--start")
    written(file, *({**chat(number), "id": f"again-{number}"} for number in range(20)))
    await house.ok(*words)
    changed = json.loads(json.dumps([chat(number) for number in range(20)]).replace("Hello, could you please", "Hey,"))
    written(file, *({**one, "id": f"again-{number}"} for number, one in enumerate(changed)))

    again = await house.run(*words)

    personas = [one["display_name"] for one in (await house.ok("personas", "list", "--json")).lines]
    assert again.status == 1
    assert "has revision 2, ready." in again.out
    assert len([name for name in personas if "(again)" in name]) == len(
        {name for name in personas if "(again)" in name}
    )
    assert "'again-0' and other content already; delete that one first, or change the id in the file." in again.err
    assert again.err.endswith("greenroom: Nothing of the file was imported.\n")
    assert "batches start" not in again.out


async def test_a_list_of_personas_changes_those_that_are_called_the_same(house: House, tmp_path: Path) -> None:
    path = tmp_path / "personas.yaml"
    how = "{tone: curt, response_length: short, decision_speed: medium, objection_likelihood: low}"
    carl = f"{{display_name: Calm Carl, personality: {how}, language: English}}"
    path.write_text(f"personas: [{{display_name: Calm Cleo}}, {carl}]\n")
    first = (await house.ok("personas", "create", str(path), "--json")).lines
    path.write_text(f"personas: [{{display_name: Calm Cleo, goal: to wait}}, {carl}, {{display_name: Loud Lou}}]\n")

    second = (await house.ok("personas", "create", str(path))).out.splitlines()

    assert [line.rpartition("  ")[2] for line in second] == [
        "Calm Cleo (changed)",
        "Calm Carl (here already)",
        "Loud Lou",
    ]
    assert "to wait" in (await house.ok("personas", "show", first[0]["name"])).out


async def test_a_file_without_an_ending_asks_for_a_folder(house: House, tmp_path: Path) -> None:
    outcome = await house.run("init", str(written(tmp_path / "chats", chat(1))), "--folder", str(tmp_path / "chats"))

    assert (outcome.status, outcome.err) == (
        2,
        f"greenroom: {tmp_path / 'chats'} is a file; choose another --folder.\n",
    )


async def test_init_waits_for_a_server_that_has_just_been_started(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    file = written(tmp_path / "chats.jsonl", *map(chat, range(20)))
    address, folder = f"127.0.0.1:{port}", tmp_path / "chats"
    early = await command("init", str(file), "--folder", str(folder), GREENROOM_ADDRESS=address)
    said = (await early.stderr.readline()).decode()

    async with suite("sqlite", tmp_path / "data", port=int(port)):
        outcome = await finished(early)

    assert said.startswith(f"Waiting up to 30 seconds: Nothing answers at {address}; start it with `greenroom up`")
    assert (outcome.status, (folder / "batch.yaml").exists()) == (0, True)


async def test_a_file_without_conversations_writes_nothing(house: House, tmp_path: Path) -> None:
    outcome = await house.run("init", str(written(tmp_path / "empty.jsonl")), "--folder", str(tmp_path / "new"))

    assert outcome.status == 1
    assert "has no conversation that can be read, so nothing was written." in outcome.err
    assert not (tmp_path / "new").exists()
