"""Rehearsals from real conversations: the agent finds the values that the customers say."""

import gzip
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from greenroom.client import Client
from greenroom.synthesizer.v1 import batch_pb2
from tests.data import shared_data
from tests.rehearsals import batch_spec, over
from tests.suite import suite

SIZE = 500
OFTEN = 20
"""The fewest recorded calls of a tool of which half must be made again."""
Call = tuple[str, frozenset[str]]


def said_calls(dialogue: Mapping[str, Any]) -> set[Call]:
    """The recorded actions with values that the customer literally says."""
    said = " ".join(turn["text"] for turn in dialogue["turns"] if turn["role"] == "customer").lower()
    actions = ((turn["action"], turn.get("values") or []) for turn in dialogue["turns"] if turn["role"] == "action")
    return {
        (action, frozenset(value.strip().lower() for value in values))
        for action, values in actions
        if values and all(value.lower() in said for value in values)
    }


async def made_calls(client: Client, result: batch_pb2.BatchResult) -> set[Call]:
    """The calls that the agent made in a conversation, with the values of their arguments."""
    return {
        (
            event.tool_call.tool,
            frozenset(str(value).strip().lower() for value in dict(event.tool_call.arguments).values()),
        )
        async for event in client.conversations.events(result.conversation)
        if event.WhichOneof("kind") == "tool_call"
    }


async def test_the_agent_makes_the_calls_whose_values_the_real_customer_said(tmp_path: Path) -> None:
    abcd = shared_data("abcd")
    with gzip.open(abcd / "dialogues.jsonl.gz", "rt") as lines:
        said = {dialogue["id"]: said_calls(dialogue) for dialogue in map(json.loads, lines)}
    assert sum(map(bool, said.values())) == 381

    async with suite("sqlite", tmp_path) as greenroom:
        client = greenroom.client
        await client.procedures.import_file(abcd / "procedures.jsonl.gz", format="abcd")
        await client.sources.import_file(abcd / "dialogues.jsonl.gz", format="abcd")
        external_ids = {source.name: source.external_id async for source in client.sources.list()}
        batch = await client.batches.start(batch_spec(SIZE))

        done = await over(client, batch.name)

        assert done.counts.completed == SIZE
        hits: dict[int, bool] = {}
        cases, again = Counter[str](), Counter[str]()
        async for result in client.batches.results(batch.name):
            if wanted := said[external_ids[result.source]]:
                made = await made_calls(client, result)
                found = [
                    tool for tool, values in wanted if any(tool == call and values <= given for call, given in made)
                ]
                hits[result.index] = bool(found)
                cases.update(tool for tool, _ in wanted)
                again.update(found)
    # A batch of 50 with the same seed has the sources of the first 50.
    for size in (50, SIZE):
        first = [hit for index, hit in hits.items() if index < size]
        assert len(first) >= size / 2
        assert sum(first) / len(first) >= 0.7, f"{sum(first)} of {len(first)}"
    assert again.total() / cases.total() >= 0.85, f"{again} of {cases}"
    often = [tool for tool, count in cases.items() if count >= OFTEN]
    assert len(often) >= 6
    assert all(again[tool] / cases[tool] >= 0.5 for tool in often), f"{again} of {cases}"
