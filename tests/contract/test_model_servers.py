"""The providers of models, against real servers of models: Ollama, and the server of llama.cpp.

Both run a tiny model whose answers are known (see tests/model_servers/scripted_gguf.py).
"""

import asyncio
import json
import os
import re
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from greenroom.synthesizer.v1.conversation_pb2 import AgentTarget
from greenroom.type.v1.event_pb2 import PersonaThoughts
from services.synthesizer.settings import AgentSecret
from shared.hosts import AllowedHosts
from shared.llm.base import (
    ChatModel,
    ChatReply,
    ChatRequest,
    Message,
    ModelRefused,
    ModelTruncated,
    Output,
    ToolRequest,
)
from shared.llm.briefs import AgentBrief
from shared.llm.providers import PROVIDERS, Models
from shared.model.steps import Tool
from tests.programs import cached_file, program
from tests.scripted import Script, ScriptedModel, State, Theatre, kinds, leaves, procedure_line, source_line, theatre
from tests.suite import suite
from tests.vendor_specs import SPECS, violations
from tests.vendors import PROVIDER, connect, vendor_settings

FOLDER = Path(__file__).parent.parent / "model_servers"
KEY = "sk-of-the-server"
TEXT = "Your order is on its way."
FIND_ORDER = Tool("find_order", "Find an order.", {"properties": {"order": {"type": "string"}}})
MOOD = Output(
    "mood",
    {
        "type": "object",
        "properties": {"mood": {"type": "string"}},
        "required": ["mood"],
        "additionalProperties": False,
    },
)
ASKED = (Message("user", "Where is my order O-7?"),)
ANSWERED = (
    *ASKED,
    Message("assistant", call=ToolRequest("find_order", {"order": "O-7"}, "c1")),
    Message("tool", result={"state": "sent"}, call_id="c1"),
)
REQUEST = ChatRequest("", "You help.", ASKED, (), 7, 0, 1, AgentBrief("", ()), max_tokens=64)


@dataclass
class ModelServer:
    """A running server of models. model: the name of the scripted one."""

    address: str
    model: str
    stack: AsyncExitStack
    connected: dict[str, ChatModel] = field(default_factory=dict)

    async def ask(self, protocol: str, request: ChatRequest = REQUEST, model: str = "") -> ChatReply:
        """Ask the scripted model, or another one."""
        if protocol not in self.connected:
            self.connected[protocol] = await connect(self.stack, protocol, self.address, key=KEY)
        name = f"{PROVIDER[protocol]}:{model or self.model}"
        return await self.connected[protocol].complete(replace(request, model=name))


@pytest.fixture(scope="module")
async def scripted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of the scripted model."""
    python, file = cached_file("models/bin/python"), tmp_path_factory.mktemp("models") / "scripted.gguf"
    made = await asyncio.create_subprocess_exec(python, FOLDER / "scripted_gguf.py", file, FOLDER / "chatml.jinja")
    assert await made.wait() == 0
    return file


@pytest.fixture(scope="module")
async def ollama(scripted: Path) -> AsyncIterator[ModelServer]:
    """Ollama with the scripted model."""
    environment = os.environ | {
        "OLLAMA_HOST": "127.0.0.1:0",
        "OLLAMA_MODELS": str(scripted.parent / "ollama"),
        "OLLAMA_NO_CLOUD": "1",
        "HOME": str(scripted.parent),
    }
    ollama = program("ollama")
    async with AsyncExitStack() as stack:
        process = await asyncio.create_subprocess_exec(
            ollama, "serve", env=environment, stdout=DEVNULL, stderr=PIPE, start_new_session=True
        )
        await stack.enter_async_context(_ended(process))
        assert process.stderr is not None
        address = await _listening(process.stderr, rb"Listening on (\S+:\d+)")
        reading = asyncio.create_task(process.stderr.read())
        stack.callback(reading.cancel)
        (scripted.parent / "Modelfile").write_text((FOLDER / "Modelfile").read_text())
        created = await asyncio.create_subprocess_exec(
            *(ollama, "create", "scripted", "-f", scripted.parent / "Modelfile"),
            env=environment | {"OLLAMA_HOST": address},
            stderr=DEVNULL,
        )
        assert await created.wait() == 0
        yield ModelServer(address, "scripted", stack)


@pytest.fixture(scope="module")
async def llama(scripted: Path) -> AsyncIterator[ModelServer]:
    """The server of llama.cpp with the scripted model. It asks for a key."""
    async with AsyncExitStack() as stack:
        process = await asyncio.create_subprocess_exec(
            *(cached_file("models/bin/python"), FOLDER / "llama_server.py", scripted, KEY),
            stdout=PIPE,
            stderr=DEVNULL,
            start_new_session=True,
        )
        await stack.enter_async_context(_ended(process))
        assert process.stdout is not None
        yield ModelServer(await _listening(process.stdout, rb"listens on (\S+:\d+)"), "scripted", stack)


@asynccontextmanager
async def _ended(process: Process) -> AsyncIterator[None]:
    """Kill the process, and those that it started, at the end of the block."""
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def _listening(output: asyncio.StreamReader, says: bytes) -> str:
    """The address that a server says it listens on."""
    async for line in output:
        if found := re.search(says, line):
            return found[1].decode()
    raise AssertionError("the server of models ended before it listened")


SERVERS = [
    *(("ollama", protocol) for protocol in PROVIDER),
    *(("llama", protocol) for protocol in PROVIDER if protocol != "ollama"),
]


@pytest.fixture(params=SERVERS, ids="-".join)
def server(request: pytest.FixtureRequest) -> tuple[ModelServer, str]:
    """Each server with each protocol that it speaks."""
    name, protocol = request.param
    return request.getfixturevalue(name), protocol


async def test_a_real_model_says_a_text_and_counts_its_tokens(server: tuple[ModelServer, str]) -> None:
    model, protocol = server
    reply = await model.ask(protocol)

    assert (reply.text.strip(), reply.calls) == (TEXT, ())
    assert reply.usage.model_calls == 1
    assert reply.usage.input_tokens > 10
    assert 5 <= reply.usage.output_tokens <= 10


async def test_a_real_model_calls_a_tool_and_speaks_after_its_answer(server: tuple[ModelServer, str]) -> None:
    model, protocol = server
    asked = replace(REQUEST, tools=(FIND_ORDER,))

    first = await model.ask(protocol, asked)
    assert first.calls == (ToolRequest("find_order", {"order": "O-7"}),)

    then = await model.ask(protocol, replace(asked, messages=ANSWERED))
    assert (then.text.strip(), then.calls) == (TEXT, ())


async def test_a_real_server_streams_the_same_answer(server: tuple[ModelServer, str]) -> None:
    model, protocol = server
    asked = replace(REQUEST, model=f"{PROVIDER[protocol]}:{model.model}", tools=(FIND_ORDER,))
    replies = []
    for messages in (ASKED, ANSWERED):
        # llama.cpp closes a connection after a stream.
        streaming = await connect(model.stack, protocol, model.address, key=KEY, more={"STREAM": "1"})
        replies.append(await streaming.complete(replace(asked, messages=messages)))

    called, said = replies
    assert called.calls == (ToolRequest("find_order", {"order": "O-7"}),)
    assert (said.text.strip(), said.calls) == (TEXT, ())
    assert said.first_token is not None
    assert said.usage.output_tokens >= 5


async def test_an_answer_of_a_real_model_that_is_cut_is_a_failure(server: tuple[ModelServer, str]) -> None:
    model, protocol = server
    with pytest.raises(ModelTruncated):
        await model.ask(protocol, replace(REQUEST, max_tokens=2))


@pytest.mark.parametrize("protocol", ["anthropic", "chat"])
async def test_a_real_server_counts_the_tokens_of_the_prefix_that_it_had_read_before(
    llama: ModelServer, protocol: str
) -> None:
    asked = replace(REQUEST, system=protocol + " You help the customers of a shop." * 20)
    first, again = await llama.ask(protocol, asked), await llama.ask(protocol, asked)

    assert again.usage.input_tokens == first.usage.input_tokens
    assert again.usage.input_tokens > again.usage.cached_tokens > 100


@pytest.mark.parametrize(("name", "protocol"), [("ollama", "ollama"), ("ollama", "chat"), ("llama", "chat")])
async def test_a_real_server_keeps_the_answer_to_the_schema(
    request: pytest.FixtureRequest, name: str, protocol: str
) -> None:
    """The servers ignore the schema in Anthropic's protocol."""
    model: ModelServer = request.getfixturevalue(name)
    reply = await model.ask(protocol, replace(REQUEST, output=MOOD))

    assert json.loads(reply.text).keys() == {"mood"}


@pytest.mark.parametrize("name", ["openai", "anthropic", "ollama"])
async def test_a_model_that_a_real_server_does_not_have_is_refused_before_it_is_asked(
    ollama: ModelServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("GREENROOM_OPENAI_BASE_URL", f"http://{ollama.address}/v1")
    monkeypatch.setenv("GREENROOM_ANTHROPIC_BASE_URL", f"http://{ollama.address}")
    monkeypatch.setenv("GREENROOM_OLLAMA_BASE_URL", f"http://{ollama.address}")
    models = Models(PROVIDERS, lambda model, _: model, AllowedHosts(loopback=True))
    ollama.stack.push_async_callback(models.close)

    assert await models.check(f"{name}:scripted") is None
    assert "does not have the model nobody; it says: model 'nobody' not found" in str(
        await models.check(f"{name}:nobody")
    )


async def test_a_server_that_does_not_say_which_models_it_has_is_believed_to_have_all(
    llama: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GREENROOM_OPENAI_BASE_URL", f"http://{llama.address}/v1")
    monkeypatch.setenv("GREENROOM_OLLAMA_BASE_URL", "http://127.0.0.1:9")
    models = Models(PROVIDERS, lambda model, _: model, AllowedHosts(loopback=True))
    ollama_is_down = await models.check("ollama:any")
    assert (await models.check("openai:nobody"), ollama_is_down) == (None, None)
    await models.close()


@pytest.mark.parametrize("protocol", PROVIDER)
async def test_a_real_server_refuses_a_model_that_it_does_not_have(ollama: ModelServer, protocol: str) -> None:
    with pytest.raises(ModelRefused, match="not found"):
        await ollama.ask(protocol, model="nobody")


@pytest.mark.parametrize("protocol", [protocol for protocol in PROVIDER if protocol != "ollama"])
async def test_a_real_server_refuses_a_wrong_key(llama: ModelServer, protocol: str) -> None:
    stranger = await connect(llama.stack, protocol, llama.address, key="sk-of-a-stranger")

    with pytest.raises(ModelRefused, match="401") as refused:
        await stranger.complete(replace(REQUEST, model=f"{PROVIDER[protocol]}:scripted"))
    assert "stranger" not in str(refused.value)


@asynccontextmanager
async def heard(address: str) -> AsyncIterator[tuple[str, list[tuple[str, Any]]]]:
    """An address that passes requests on to a server, and the paths and bodies of those that ask its models."""
    requests: list[tuple[str, Any]] = []

    async def passed_on(request: web.Request) -> web.Response:
        body = await request.read()
        if request.path in SPECS:
            requests.append((request.path, json.loads(body)))
        headers = {name: text for name, text in request.headers.items() if name.lower() not in _OF_A_CONNECTION}
        url = f"http://{address}{request.path}"
        async with http.request(request.method, url, data=body, headers=headers) as answer:
            read = await answer.read()
            return web.Response(body=read, status=answer.status, content_type=answer.content_type)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", passed_on)
    async with aiohttp.ClientSession() as http, TestServer(app) as server:
        yield f"{server.host}:{server.port}", requests


_OF_A_CONNECTION = ("host", "content-length", "transfer-encoding", "connection", "accept-encoding")


async def test_a_persona_and_an_agent_that_are_real_models_rehearse_in_the_form_that_the_vendor_published(
    server: tuple[ModelServer, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, protocol = server
    provider = PROVIDER[protocol]
    async with heard(real.address) as (address, requests):
        for name, value in vendor_settings(protocol, address, key=KEY).items():
            monkeypatch.setenv(name, value)
        async with suite("sqlite", tmp_path) as running:
            stage = Theatre(running, ScriptedModel(), tmp_path)
            [procedure] = await stage.import_procedures(procedure_line("orders"))
            [source] = await stage.import_sources(source_line("s-1", procedure="orders"))
            done = await stage.play(procedure=procedure, source=source, max_turns=2, model=f"{provider}:{real.model}")
            events = [
                event for event in await stage.events(done.name) if event.model_call.model or event.tool_result.tool
            ]

    assert done.state == State.STATE_COMPLETED, done.ended.detail
    turn = ["user_message", "agent_message"]
    assert kinds(events) == ["tool_call", "tool_result", "agent_message", *turn, *turn]
    call, answer, said, asked = events[:4]
    assert dict(call.tool_call.arguments) == {"order": "O-7"}
    assert dict(answer.tool_result.answer.value.struct_value) == {"state": "sent"}
    assert said.agent_message.text.strip() == TEXT
    assert asked.user_message.text == "Has it left?"
    thoughts = asked.thoughts
    assert (thoughts.reasoning, thoughts.likely_to_convert) == ("I waited.", 20)
    assert thoughts.sentiment == PersonaThoughts.SENTIMENT_NEGATIVE
    by_models = [event for event in events if event != answer]
    assert {event.model_call.model for event in by_models} == {f"{provider}:{real.model}"}
    assert all(event.usage.input_tokens > 10 for event in by_models)
    assert len(requests) == len(by_models)
    assert [found for path, body in requests for found in violations(path, body)] == []


@pytest.fixture(params=["ollama", "llama"])
def any_server(request: pytest.FixtureRequest) -> ModelServer:
    """Each server."""
    found: ModelServer = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("stream", [False, True])
async def test_an_agent_on_a_real_model_server_is_rehearsed_with_tools(
    any_server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stream: bool
) -> None:
    monkeypatch.setenv("GREENROOM_SECRET_SERVER", KEY)
    agent = AgentTarget()
    agent.openai.base_url, agent.openai.model = f"http://{any_server.address}/v1", any_server.model
    agent.openai.secret, agent.openai.stream = "server", stream
    secrets = {"server": AgentSecret(host="127.0.0.1")}
    async with theatre("sqlite", tmp_path, agent_secrets=secrets) as stage:
        done = await stage.play(Script(persona=[leaves()]), agent=agent, source=stage.source)
        events = await stage.events(done.name)

    assert done.state == State.STATE_COMPLETED, done.ended.detail
    call, answer, said = [event for event in events if not event.copied][2:5]
    assert kinds([call, answer, said]) == ["tool_call", "tool_result", "agent_message"]
    assert dict(call.tool_call.arguments) == {"order": "O-7"}
    assert said.agent_message.text.strip() == TEXT
    assert said.model_call.HasField("first_token_milliseconds") == stream
