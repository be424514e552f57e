"""Tools inferred from the recorded runs of agents, against the tools that the agents had."""

import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict

from greenroom.client import Client
from services.synthesizer.procedures.schemas import value_error
from tests.data import shared_data

DOMAINS = ("retail", "airline")


def chats(domain: str) -> Iterator[dict[str, Any]]:
    """The recorded runs in the format `openai`. A run answers its calls in their order."""
    with gzip.open(shared_data("tau2") / "simulations.jsonl.gz", "rt") as lines:
        for run in map(json.loads, lines):
            if run["domain"] == domain:
                yield {"id": run["id"], "messages": list(messages(run["messages"]))}


def messages(told: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    number, waiting = 0, list[str]()
    for one in told:
        if one["role"] == "tool":
            yield {"role": "tool", "tool_call_id": waiting.pop(0), "content": one.get("content") or ""}
            continue
        calls = []
        for call in one.get("tool_calls") or ():
            number += 1
            waiting.append(f"c{number}")
            given = call.get("arguments") or {}
            arguments = given if isinstance(given, str) else json.dumps(given)
            function = {"name": call["name"], "arguments": arguments}
            calls.append({"id": f"c{number}", "type": "function", "function": function})
        yield {"role": one["role"], "content": one.get("content"), **({"tool_calls": calls} if calls else {})}


def recorded(domain: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each call: the tool and the arguments."""
    for chat in chats(domain):
        for message in chat["messages"]:
            for call in message.get("tool_calls", ()):
                yield call["function"]["name"], json.loads(call["function"]["arguments"])


@pytest.mark.parametrize("domain", DOMAINS)
async def test_inferred_tools_have_the_arguments_that_were_called_and_no_others(
    domain: str, client: Client, tmp_path: Path
) -> None:
    file = tmp_path / f"{domain}.jsonl"
    file.write_text("".join(f"{json.dumps(chat)}\n" for chat in chats(domain)))
    documented = json.loads((shared_data("tau2") / domain / "tools.json").read_text())
    there = {(tool["name"], argument["name"]) for tool in documented for argument in tool["params"]}
    called = {(tool, argument) for tool, arguments in recorded(domain) for argument in arguments} & there

    found = await client.inference.infer_file(file)

    assert not found.summary.problems
    schemas = {tool.name: MessageToDict(tool.arguments_schema) for tool in found.revision.tools}
    inferred = {(tool, argument) for tool, schema in schemas.items() for argument in schema.get("properties", {})}
    assert inferred <= there
    assert len(inferred & called) >= 0.95 * len(called)
    assert [call for call in recorded(domain) if value_error(schemas[call[0]], dict(call[1]), call[0])] == []
