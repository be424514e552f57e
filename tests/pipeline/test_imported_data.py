"""Published dialogues, rewritten to the formats that people have, and imported: nothing is lost or changed."""

import csv
import gzip
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from greenroom.client import Client
from greenroom.synthesizer.v1.import_pb2 import TableMapping
from greenroom.synthesizer.v1.source_pb2 import SourceFilter
from tests.data import shared_data

Told = list[tuple[Any, ...]]
"""What happens in a dialogue: ("user" or "agent", text), ("call", id, tool, arguments), ("result", id, tool, value)."""


def taskmaster4(dialogue: Mapping[str, Any]) -> Iterable[tuple[Any, ...]]:
    """Several calls may come before their results; a response is to the oldest open call of its name."""
    number, waiting = 0, []
    for turn in dialogue["turns"]:
        yield ("user" if turn["role"] == "user" else "agent"), turn["text"]
        for api in turn.get("api", ()):
            if api["kind"] == "api_call":
                number += 1
                waiting.append((f"c{number}", api["name"]))
                yield "call", f"c{number}", api["name"], api.get("request") or {}
            else:
                called = next(one for one in waiting if one[1] == api["name"])
                waiting.remove(called)
                yield "result", *called, api.get("response")


def sgd(dialogue: Mapping[str, Any]) -> Iterable[tuple[Any, ...]]:
    for turn in dialogue["turns"]:
        if (call := turn.get("call")) is not None:
            tool = f"{call['service']}.{call['method']}"
            yield "call", f"c{turn['i']}", tool, call["parameters"]
            yield "result", f"c{turn['i']}", tool, turn["results"]
        yield ("user" if turn["role"] == "user" else "agent"), turn["text"]


def multiwoz21(dialogue: Mapping[str, Any]) -> Iterable[tuple[Any, ...]]:
    for turn in dialogue["turns"]:
        for role in ("user", "agent"):
            if text := turn["user" if role == "user" else "system"]:
                yield role, text


def star(dialogue: Mapping[str, Any]) -> Iterable[tuple[Any, ...]]:
    called = ("", "")
    for turn in dialogue["turns"]:
        match turn["role"], turn["action"]:
            case ("user" | "agent") as role, "utter" | "pick_suggestion":
                yield role, turn["text"]
            case "agent", "query":
                called = f"c{turn['i']}", turn["api"]
                yield "call", *called, {"query": turn["args"]}
            case "api", _:
                yield "result", *called, {"result": turn.get("result")}


READERS: Mapping[str, Callable[[Mapping[str, Any]], Iterable[tuple[Any, ...]]]] = {
    "taskmaster4": taskmaster4,
    "sgd": sgd,
    "multiwoz21": multiwoz21,
    "star": star,
}


def dialogues(name: str) -> dict[str, Told]:
    """What happens in the dialogues, by id."""
    with gzip.open(shared_data(name) / "dialogues.jsonl.gz", "rt") as lines:
        return {row["id"]: list(READERS[name](row)) for row in map(json.loads, lines)}


def chat_line(external_id: str, told: Told) -> str:
    """The dialogue in the format `openai`."""
    messages: list[dict[str, Any]] = []
    for one in told:
        match one:
            case ("call", call_id, tool, arguments):
                function = {"name": tool, "arguments": json.dumps(arguments)}
                calls = [{"id": call_id, "type": "function", "function": function}]
                messages.append({"role": "assistant", "content": None, "tool_calls": calls})
            case ("result", call_id, _, value):
                messages.append({"role": "tool", "tool_call_id": call_id, "content": json.dumps(value)})
            case (role, text):
                messages.append({"role": "user" if role == "user" else "assistant", "content": text})
    return json.dumps({"id": external_id, "messages": messages})


def read_back(source: Mapping[str, Any]) -> Told:
    """What happens in an exported source."""
    told: Told = []
    for event in source["events"]:
        match event:
            case {"user_message": {"text": text}}:
                told.append(("user", text))
            case {"agent_message": {"text": text}}:
                told.append(("agent", text))
            case {"tool_call": call}:
                told.append(("call", call["call_id"], call["tool"], call["arguments"]))
            case {"tool_result": result}:
                told.append(("result", result["call_id"], result["tool"], result["answer"]["value"]))
    return told


async def exported(client: Client, label: str) -> dict[str, Told]:
    """What happens in the sources with this label, by external id."""
    data = b"".join([part.chunk async for part in client.sources.export(SourceFilter(labels=[label]))])
    return {source["external_id"]: read_back(source) for source in map(json.loads, data.splitlines())}


@pytest.mark.parametrize("name", READERS)
async def test_dialogues_rewritten_as_chats_keep_their_turns_calls_arguments_and_results(
    name: str, client: Client, tmp_path: Path
) -> None:
    there = dialogues(name)
    file = tmp_path / "chats.jsonl"
    file.write_text("".join(chat_line(*one) + "\n" for one in there.items()))

    summary = await client.sources.import_file(file, format="openai", labels=[f"chats:{name}"])

    assert (summary.imported, list(summary.problems)) == (len(there), [])
    assert await exported(client, f"chats:{name}") == there


@pytest.mark.parametrize("name", READERS)
async def test_dialogues_rewritten_as_a_table_keep_their_turns_in_any_order_of_rows(
    name: str, client: Client, tmp_path: Path
) -> None:
    there = {
        f"table/{external_id}": [one for one in told if one[0] in ("user", "agent")]
        for external_id, told in dialogues(name).items()
    }
    rows = [
        (external_id, "Customer" if role == "user" else "Jane", f"{46_000 + number / 1440:.6f}".replace(".", ","), text)
        for external_id, told in there.items()
        for number, (role, text) in enumerate(told)
    ]
    file = tmp_path / "messages.csv"
    with file.open("w", newline="") as written:
        csv.writer(written, delimiter=";").writerows(
            [("Ticket", "Who", "When", "What"), *sorted(rows, key=lambda row: row[::-1])]
        )
    columns = TableMapping(conversation="Ticket", author="Who", time="When", text="What")
    columns.authors["Jane"] = TableMapping.AUTHOR_AGENT

    summary = await client.sources.import_file(file, format="table", table=columns, labels=[f"table:{name}"])

    assert (summary.imported, list(summary.problems)) == (len(there), [])
    assert await exported(client, f"table:{name}") == there
