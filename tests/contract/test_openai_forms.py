"""What agents and customers of the kind `openai` are sent, and what the example bot answers, has OpenAI's form.

Three judges find nothing wrong: OpenAI's schema, and the types of its SDKs in Python and in Node.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest
from openai.types.chat import ChatCompletion
from openai.types.chat.completion_create_params import CompletionCreateParams
from openai.types.responses.response_create_params import ResponseCreateParams
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from services.synthesizer.adapters.agents.kind import Access
from services.synthesizer.adapters.agents.openai import OpenaiAgent
from services.synthesizer.conversations.targets import TargetFailed, View
from shared.hosts import AllowedHosts
from shared.llm.briefs import PersonaBrief
from shared.model.events import (
    AgentMessage,
    Event,
    Kind,
    ToolAnswer,
    ToolCall,
    ToolError,
    ToolResult,
    UserMessage,
)
from shared.model.steps import Tool
from tests.contract.example_agents import own_agent
from tests.contract.http_agents import bot, whole
from tests.programs import node_module, run
from tests.suite import EXAMPLES
from tests.vendor_specs import answer_violations, violations

CHAT, RESPONSES = "/v1/chat/completions", "/v1/responses"
EVENTS: list[Kind] = [
    UserMessage("Where is my order O-7? 🙂"),
    AgentMessage("One moment."),
    ToolCall("c1", "shop.find order", {"order": "O-7", "with": {"items": [1, 2.5, None]}}),
    ToolCall("c2", "refund", {}),
    ToolResult("c1", "shop.find order", ToolAnswer({"state": "sent"})),
    ToolResult("c2", "refund", ToolAnswer(error=ToolError("NOT_ALLOWED", "It was sent already."))),
    AgentMessage("It was sent."),
    AgentMessage("Anything else?"),
    UserMessage("", silent=True),
]
TOOLS = (
    Tool("shop.find order", "Find an order.", {"type": "object", "properties": {"order": {"type": "string"}}}),
    Tool("refund", "", {}),
)
FULL = View(
    conversation="conversations/1",
    seq=10,
    transcript=[Event("", seq, 0, 0, body) for seq, body in enumerate(EVENTS, 1)],
    tools=TOOLS,
    instructions="Help.",
    now=0,
    session=b"",
)
ADA = PersonaBrief("Ada", "A customer.", "curt", "SHORT", "LOW", (), "Get the order.")
VIEWS = [
    View("conversations/1", 1, (), (), "", 0, b""),
    FULL,
    replace(FULL, transcript=FULL.transcript[:-1], tools=(), persona=ADA),
]
"""Of an empty conversation, of one with everything, and of one that a customer sees."""


class Request(NamedTuple):
    """The body of a POST."""

    path: str
    body: Mapping[str, Any]


class Answer(NamedTuple):
    """The body of an answer of Chat Completions."""

    body: Mapping[str, Any]


Judged = Request | Answer


def by_schema(judged: Sequence[Judged]) -> list[str]:
    """What is wrong by the published schema."""
    return [
        sentence
        for one in judged
        for sentence in (answer_violations(CHAT, one.body) if isinstance(one, Answer) else violations(*one))
    ]


def by_python(judged: Sequence[Judged]) -> list[str]:
    """What is wrong by the types of the SDK in Python."""
    return [sentence for one in judged for sentence in _by_python(one)]


def _by_python(one: Judged) -> list[str]:
    try:
        if isinstance(one, Answer):
            return unknown(ChatCompletion.model_validate(one.body, strict=True))
        params: Any = {CHAT: CompletionCreateParams, RESPONSES: ResponseCreateParams}[one.path]
        # A list has the config for the types in it, which have none of their own.
        adapter = TypeAdapter(list[params], config=ConfigDict(extra="forbid"))
        exhaust(adapter.validate_python([one.body]))
    except ValidationError as error:
        return [str(error)]
    return []


def unknown(value: Any) -> list[str]:
    """The members that the types do not have, at any depth."""
    if isinstance(value, BaseModel):
        return [*(value.model_extra or ()), *(name for _, member in value for name in unknown(member))]
    return [name for one in value for name in unknown(one)] if isinstance(value, list) else []


def exhaust(value: Any) -> None:
    """Go through everything: some lists are validated only then."""
    if hasattr(value, "__iter__") and not isinstance(value, str):
        for member in value.values() if isinstance(value, Mapping) else value:
            exhaust(member)


async def by_node(judged: Sequence[Judged], folder: Path) -> list[str]:
    """What is wrong by the types of the SDK in Node."""
    modules = node_module("openai", "typescript") / "node_modules"
    types = {CHAT: "Chat.ChatCompletionCreateParams", RESPONSES: "Responses.ResponseCreateParams"}
    lines = ['import type OpenAI from "openai";']
    for place, one in enumerate(judged):
        kind = "Chat.ChatCompletion" if isinstance(one, Answer) else types[one.path]
        lines.append(f"export const body{place}: OpenAI.{kind} = {json.dumps(one.body)};")
    (folder / "bodies.ts").write_text("\n".join(lines))
    (folder / "node_modules").symlink_to(modules)
    options = ("--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--target", "es2022")
    code, said, _ = await run(str(modules / ".bin" / "tsc"), *options, str(folder / "bodies.ts"))
    assert bool(code) == bool(said)
    return said.splitlines()


async def requests() -> list[Judged]:
    """What is sent in each protocol, whole and streamed, for each view."""
    async with bot() as running:
        running.answers = [whole({}, status=400)]
        for api in ("API_CHAT", "API_RESPONSES"):
            for stream in (False, True):
                config = {"base_url": f"{running.address}/v1", "api": api, "stream": stream}
                agent = OpenaiAgent(config, Access(AllowedHosts(loopback=True), 20))
                for view in VIEWS:
                    with pytest.raises(TargetFailed, match="it answered 400"):
                        await agent.act(view)
                await agent.close()
    return [Request(path, body) for path, _, body in running.asked]


async def answers() -> list[Judged]:
    """What the example bot answers: a question, and a call of a tool."""
    said = [{"role": "user", "content": text} for text in ("Where is it?", "LH-12345, ada@example.com")]
    found: list[Judged] = []
    async with (
        own_agent(program=EXAMPLES.parent / "agents" / "openai_bot.py") as address,
        aiohttp.ClientSession() as http,
    ):
        for messages in (said[:1], said):
            body = {"model": "default", "messages": messages}
            async with http.post(f"http://{address}{CHAT}", json=body) as response:
                found.append(Answer(await response.json()))
    return found


async def test_what_is_sent_and_what_the_example_bot_answers_has_the_form(tmp_path: Path) -> None:
    asked, answered = await requests(), await answers()
    judged = [*asked, *answered]

    assert (len(asked), len(answered)) == (12, 2)
    assert by_schema(judged) == []
    assert by_python(judged) == []
    assert await by_node(judged, tmp_path) == []


@pytest.mark.parametrize(
    "wrong",
    [
        Request(CHAT, {"model": "m", "messages": [{"role": "user"}]}),
        Request(RESPONSES, {"model": "m", "input": [{"role": "user"}]}),
        Answer({"id": "1", "object": "chat", "created": 0, "model": "m", "choices": []}),
    ],
)
async def test_each_judge_sees_what_is_wrong(wrong: Judged, tmp_path: Path) -> None:
    assert by_schema([wrong])
    assert by_python([wrong])
    assert await by_node([wrong], tmp_path)
