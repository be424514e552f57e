"""SIGKILL while tools change resources and fail by injected failures: every change is made once, and digests stay."""

import json
from pathlib import Path
from signal import SIGKILL
from typing import Any

import pytest
from google.protobuf import json_format

from greenroom.client import Client
from greenroom.synthesizer.v1 import batch_pb2
from tests.durable.synthesizers import Store, synthesizer
from tests.rehearsals import Row, over, rows
from tests.suite import suite

ASK = {"ask": {"slot": "name", "question": "What is your name?"}}
COUNT = {"call": {"tool": "count"}}
PROCEDURE: dict[str, Any] = {
    "external_id": "counting",
    "display_name": "Counting",
    "instructions": "Count.",
    "tools": [{"name": "count"}, {"name": "read"}],
    "steps": [COUNT, ASK, COUNT, COUNT, {"say": {"text": "Counted."}}, {"call": {"tool": "read"}}, COUNT],
}
# Not idempotent: made twice, a change would show in every later answer, and in the digest.
ADD = {"kind": "KIND_PATCH", "type": "counter", "id": "c", "computed": {"count": "it.count + 1"}}
NOTE = {"kind": "KIND_CREATE", "type": "note", "set": {"by": "count"}}
COUNTING = {
    "operations": {"operations": [ADD, NOTE], "returns": "{'counted': true}"},
    "latency": {"least": "1s", "most": "9s"},
    "failure": {"probability": 0.4, "error": {"code": "TIMEOUT"}, "changesKept": 1},
}
READING = [{"kind": "KIND_LIST", "type": "note", "name": "notes"}, {"kind": "KIND_GET", "type": "counter", "id": "c"}]
TOOL_CONFIG = {
    "mocks": [
        {"tool": "count", "rules": [{"replies": [{"answer": {"error": {"code": "BUSY"}}}, COUNTING]}]},
        {"tool": "read", "rules": [{"replies": [{"operations": {"operations": READING}}]}]},
    ]
}
SIZE = 20


async def prepared(client: Client, folder: Path) -> batch_pb2.BatchSpec:
    """A batch whose conversations count in a resource of a set that all of them share."""
    lines, counter = folder / "counting.jsonl", folder / "counter.jsonl"
    lines.write_text(json.dumps(PROCEDURE) + "\n")
    counter.write_text(json.dumps({"type": "counter", "id": "c", "data": {"count": 0}}) + "\n")
    await client.procedures.import_file(lines)
    await client.resources.import_file(counter, "counter")
    spec = {
        "procedure": (await anext(client.procedures.list())).name,
        "seed": 7,
        "mock_resources": ["resources/counter"],
    }
    return json_format.ParseDict(
        {"conversation": spec | {"tool_config": TOOL_CONFIG}, "size": SIZE}, batch_pb2.BatchSpec()
    )


async def undisturbed(folder: Path) -> dict[int, Row]:
    """The rows of the batch without a kill."""
    async with suite("sqlite", folder) as greenroom:
        spec = await prepared(greenroom.client, folder)
        batch = await over(greenroom.client, (await greenroom.client.batches.start(spec)).name)
        assert batch.counts.completed == SIZE
        return await rows(greenroom.client, batch.name)


async def test_kills_leave_the_digests_of_conversations_with_stateful_tools_unchanged(
    store: Store, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    # The batch is started, but its first model call hangs, so that every kill happens in the middle of it.
    async with synthesizer(store, HANG_AT="model:1") as (_, client):
        batch = (await client.batches.start(await prepared(client, tmp_path))).name
    for moment in ("commit:45", "model:40", "commit:50"):
        async with synthesizer(store, KILL_AT=moment) as (process, _):
            assert await process.died() == -SIGKILL

    async with synthesizer(store) as (_, client):
        assert (await over(client, batch)).counts.completed == SIZE
        assert await rows(client, batch) == await undisturbed(tmp_path_factory.mktemp("undisturbed"))
        codes = set()
        async for row in client.batches.results(batch):
            answers = [
                event.tool_result.answer
                async for event in client.conversations.events(row.conversation)
                if event.HasField("tool_result")
            ]
            codes |= {one.error.code for one in answers}
    assert codes == {"", "BUSY", "TIMEOUT"}
