"""The providers of models, against a server in another process that speaks their protocols."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
import pytest

from shared.errors import GreenroomError
from shared.llm.base import (
    ChatModel,
    ChatReply,
    ChatRequest,
    Message,
    ModelDeclined,
    ModelDenied,
    ModelRefused,
    ModelTruncated,
    ModelUnavailable,
    ModelUnusable,
    Output,
    RateLimits,
    ToolRequest,
)
from shared.llm.briefs import AgentBrief
from shared.model.events import Usage
from shared.model.steps import Tool
from tests import model_stub
from tests.processes import Service, service
from tests.vendor_specs import violations
from tests.vendors import PROVIDER, connect

KEY = "sk-canary-4d1f0c2e"
FIND_ORDER = Tool(
    "find_order",
    "Find an order.",
    {"type": "object", "properties": {"order": {"type": "object", "properties": {"id": {"type": "string"}}}}},
)
MOOD = Output(
    "mood",
    {
        "type": "object",
        "properties": {"mood": {"type": "string"}},
        "required": ["mood"],
        "additionalProperties": False,
    },
)
REQUEST = ChatRequest(
    model="",
    system="You help.",
    messages=(Message("user", "Where is my order O-7?"),),
    tools=(),
    seed=7,
    index=3,
    seq=5,
    brief=AgentBrief("", ()),
)


@dataclass
class Vendors:
    """The providers, connected to the stub, by the names of the protocols. sent: the bodies of the last `ask`."""

    stub: Service
    http: aiohttp.ClientSession
    stack: AsyncExitStack
    models: dict[tuple[str, bool], ChatModel] = field(default_factory=dict)
    sent: list[dict[str, Any]] = field(default_factory=list)

    async def connect(self, protocol: str, seconds: float, *, stream: bool = False) -> ChatModel:
        """A provider that waits for so many seconds."""
        more = {"TIMEOUT_SECONDS": str(seconds), "STREAM": str(stream)}
        return await connect(self.stack, protocol, self.stub.address, key=KEY, more=more)

    async def ask(self, protocol: str, model: str, *, stream: bool = False, **changes: Any) -> ChatReply:
        """Ask a model of the stub; checks that the request fits the vendor's published schema."""
        key = (protocol, stream)
        if key not in self.models:
            self.models[key] = await self.connect(protocol, 60, stream=stream)
        request = replace(REQUEST, model=f"{PROVIDER[protocol]}:{model}", **changes)
        try:
            return await self.models[key].complete(request)
        finally:
            async with self.http.get(f"http://{self.stub.address}/asked") as response:
                asked = await response.json()
            self.sent = [request["body"] for request in asked]
            assert [found for one in asked for found in violations(one["path"], one["body"])] == []

    async def failure(self, protocol: str, model: str, **changes: Any) -> GreenroomError:
        """The error of a model of the stub, which does not show the key."""
        with pytest.raises((ModelUnavailable, ModelRefused, ModelDeclined, ModelTruncated, ModelUnusable)) as caught:
            await self.ask(protocol, model, **changes)
        assert "canary" not in str(caught.value) + repr(caught.value) + str(caught.value.details)
        return caught.value


@pytest.fixture(scope="module")
async def vendors() -> AsyncIterator[Vendors]:
    """The providers, connected to the stub."""
    async with AsyncExitStack() as stack:
        stub = await stack.enter_async_context(service("tests.model_stub", {}))
        yield Vendors(stub, await stack.enter_async_context(aiohttp.ClientSession()), stack)


EVERY_PROTOCOL = pytest.mark.parametrize("protocol", PROVIDER)
ORDERS = tuple(ToolRequest("find_order", arguments) for arguments in model_stub.ORDERS)


@EVERY_PROTOCOL
@pytest.mark.parametrize(
    ("model", "text", "calls"),
    [
        ("text", model_stub.TEXT, ()),
        ("tool", "", ORDERS[:1]),
        ("tools", "Let me look.", ORDERS),
        ("object", model_stub.OBJECT, ()),
        ("large", model_stub.LARGE, ()),
        ("surrogate", "\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}!", ()),
    ],
)
async def test_an_answer_is_its_text_its_calls_and_its_usage(
    vendors: Vendors, protocol: str, model: str, text: str, calls: tuple[ToolRequest, ...]
) -> None:
    reply = await vendors.ask(protocol, model, tools=(FIND_ORDER,), output=MOOD if model == "object" else None)

    assert (reply.text, reply.calls) == (text, calls)
    input_tokens, output_tokens, cached = model_stub.USAGE
    assert reply.usage == Usage(1, input_tokens, output_tokens, 0 if protocol == "ollama" else cached)


@EVERY_PROTOCOL
async def test_arguments_that_are_not_json_are_a_call_with_a_problem(vendors: Vendors, protocol: str) -> None:
    [call] = (await vendors.ask(protocol, "unreadable")).calls

    assert (call.tool, call.arguments) == ("find_order", {})
    assert call.problem.startswith("The arguments must be one JSON object")


@pytest.mark.parametrize(
    ("model", "kind", "why"),
    [
        ("500", ModelUnavailable, 'it answered 500, "No /'),
        ("529", ModelUnavailable, "it answered 529"),
        ("408", ModelUnavailable, "it answered 408"),
        ("429", ModelUnavailable, "it answered 429"),
        ("402", ModelDenied, 'it answered 429, "Pay first."'),
        ("400", ModelRefused, "it answered 400"),
        ("401", ModelDenied, "it answered 401"),
        ("moved", ModelRefused, "it answered 307"),
        ("broken", ModelUnavailable, "its answer is broken"),
        ("strange", ModelUnavailable, "its answer is broken or has an unknown form"),
        ("nested", ModelUnavailable, "its answer is broken"),
        ("cut", ModelUnavailable, "the connection to http://127.0.0.1:"),
        ("truncated", ModelTruncated, "was cut after 20 tokens"),
        ("empty", ModelUnusable, "it is empty"),
        ("declined", ModelDeclined, ""),
    ],
)
@EVERY_PROTOCOL
async def test_a_failure_is_told_apart(
    vendors: Vendors, protocol: str, model: str, kind: type[GreenroomError], why: str
) -> None:
    if (protocol, model) == ("ollama", "declined"):
        return  # Ollama has no such reason.

    error = await vendors.failure(protocol, model)

    assert type(error) is kind
    assert sum(body["model"] == model for body in vendors.sent) == 1, "the SDK asks again by itself"
    assert why in str(error)
    assert len(str(error)) < 450


@EVERY_PROTOCOL
async def test_a_provider_that_does_not_answer_in_time_is_unavailable(vendors: Vendors, protocol: str) -> None:
    hurried = await vendors.connect(protocol, 0.1)

    with pytest.raises(ModelUnavailable, match=r"no answer came within 0\.1 s"):
        await hurried.complete(replace(REQUEST, model=f"{PROVIDER[protocol]}:hang"))


@EVERY_PROTOCOL
async def test_a_provider_that_was_asked_too_often_says_when_to_ask_again(vendors: Vendors, protocol: str) -> None:
    error = await vendors.failure(protocol, "429")

    assert isinstance(error, ModelUnavailable)
    assert (error.throttled, error.retry_after) == (True, 7.0)
    assert (error.limits is None) == (protocol == "ollama")


@pytest.mark.parametrize("protocol", ["anthropic", "chat", "responses"])
async def test_a_reply_has_the_rate_limits_of_its_headers(vendors: Vendors, protocol: str) -> None:
    limits = (await vendors.ask(protocol, "text")).limits

    assert limits is not None
    if protocol == "anthropic":
        assert (limits.requests_reset or 0) > 365 * 24 * 3600
        limits = replace(limits, requests_reset=0.12, tokens_reset=61.5)
    assert limits == RateLimits(500, 499, 0.12, 30000, 0, 61.5)


@EVERY_PROTOCOL
@pytest.mark.parametrize("model", ["text", "tools", "object", "unreadable", "large"])
async def test_a_streamed_answer_is_the_same_and_tells_when_its_first_token_came(
    vendors: Vendors, protocol: str, model: str
) -> None:
    whole = await vendors.ask(protocol, model)
    streamed = await vendors.ask(protocol, model, stream=True)

    assert vendors.sent[-1]["stream"] is True
    assert streamed.first_token is not None
    assert replace(streamed, first_token=None, limits=None) == replace(whole, limits=None)


@EVERY_PROTOCOL
@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("500", ModelUnavailable),
        ("400", ModelRefused),
        ("half-text", ModelUnavailable),
        ("cut", ModelUnavailable),
        ("broken", ModelUnavailable),
        ("truncated", ModelTruncated),
    ],
)
async def test_a_streamed_answer_that_fails_or_ends_early_is_no_reply(
    vendors: Vendors, protocol: str, model: str, kind: type[GreenroomError]
) -> None:
    assert type(await vendors.failure(protocol, model, stream=True)) is kind


CONVERSATION = (
    Message("assistant", "Welcome."),
    Message("user", "Where are my orders?"),
    Message("assistant", "Let me look."),
    Message("assistant", call=ToolRequest("find_order", {"order": "O-7"}, "call 1")),
    Message("assistant", call=ToolRequest("find_order", {"order": "O-8"}, "call 2")),
    Message("tool", result={"state": "sent"}, call_id="call 1"),
    Message("tool", result={"error": {"code": "GONE", "message": "No order."}}, call_id="call 2"),
    Message("user", "And?"),
)


def anthropic_body() -> dict[str, Any]:
    """The conversation as Anthropic wants it: results and the next text in one message of the user."""
    cache = {"cache_control": {"type": "ephemeral"}}
    results = [
        ("call_1", '{"state": "sent"}', False),
        ("call_2", '{"error": {"code": "GONE", "message": "No order."}}', True),
    ]
    return {
        "max_tokens": 4096,
        "temperature": 0.5,
        "tools": [
            {
                "name": "find_order",
                "description": "Find an order.",
                "input_schema": FIND_ORDER.arguments_schema,
                **cache,
            }
        ],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "(The conversation begins.)"}]},
            {"role": "assistant", "content": [{"type": "text", "text": "Welcome."}]},
            {"role": "user", "content": [{"type": "text", "text": "Where are my orders?"}]},
            {
                "role": "assistant",
                "content": [
                    {"type": "text", "text": "Let me look."},
                    {"type": "tool_use", "id": "call_1", "name": "find_order", "input": {"order": "O-7"}},
                    {"type": "tool_use", "id": "call_2", "name": "find_order", "input": {"order": "O-8"}},
                ],
            },
            {
                "role": "user",
                "content": [
                    *(
                        {"type": "tool_result", "tool_use_id": call, "content": content, "is_error": failed}
                        for call, content, failed in results
                    ),
                    {"type": "text", "text": "And?", **cache},
                ],
            },
        ],
        "output_config": {"format": {"type": "json_schema", "schema": MOOD.schema}},
    }


def _function() -> dict[str, Any]:
    return {"name": "find_order", "description": "Find an order.", "parameters": FIND_ORDER.arguments_schema}


def chat_body() -> dict[str, Any]:
    """The conversation as Chat Completions wants it: one message of the assistant for several calls."""
    calls = [
        {"id": f"call_{n}", "type": "function", "function": {"name": "find_order", "arguments": f'{{"order": "{o}"}}'}}
        for n, o in [(1, "O-7"), (2, "O-8")]
    ]
    return {
        "max_tokens": 4096,
        "temperature": 0.5,
        "tools": [{"type": "function", "function": _function()}],
        "messages": [
            {"role": "user", "content": "(The conversation begins.)"},
            {"role": "assistant", "content": "Welcome."},
            {"role": "user", "content": "Where are my orders?"},
            {"role": "assistant", "content": "Let me look.", "tool_calls": calls},
            {"role": "tool", "tool_call_id": "call_1", "content": '{"state": "sent"}'},
            {
                "role": "tool",
                "tool_call_id": "call_2",
                "content": '{"error": {"code": "GONE", "message": "No order."}}',
            },
            {"role": "user", "content": "And?"},
        ],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "mood", "schema": MOOD.schema, "strict": True},
        },
    }


def responses_body() -> dict[str, Any]:
    """The conversation as Responses wants it: a list of items, which OpenAI does not store."""
    return {
        "store": False,
        "max_output_tokens": 4096,
        "temperature": 0.5,
        "tools": [{"type": "function", **_function(), "strict": False}],
        "input": [
            {"type": "message", "role": "user", "content": "(The conversation begins.)"},
            {"type": "message", "role": "assistant", "content": "Welcome."},
            {"type": "message", "role": "user", "content": "Where are my orders?"},
            {"type": "message", "role": "assistant", "content": "Let me look."},
            {"type": "function_call", "call_id": "call_1", "name": "find_order", "arguments": '{"order": "O-7"}'},
            {"type": "function_call", "call_id": "call_2", "name": "find_order", "arguments": '{"order": "O-8"}'},
            {"type": "function_call_output", "call_id": "call_1", "output": '{"state": "sent"}'},
            {
                "type": "function_call_output",
                "call_id": "call_2",
                "output": '{"error": {"code": "GONE", "message": "No order."}}',
            },
            {"type": "message", "role": "user", "content": "And?"},
        ],
        "text": {"format": {"type": "json_schema", "name": "mood", "schema": MOOD.schema, "strict": True}},
    }


def ollama_body() -> dict[str, Any]:
    """The conversation as Ollama wants it: results name their tool."""
    calls = [{"function": {"name": "find_order", "arguments": {"order": order}}} for order in ("O-7", "O-8")]
    return {
        "stream": False,
        "tools": [{"type": "function", "function": _function()}],
        "messages": [
            {"role": "user", "content": "(The conversation begins.)"},
            {"role": "assistant", "content": "Welcome."},
            {"role": "user", "content": "Where are my orders?"},
            {"role": "assistant", "content": "Let me look.", "tool_calls": calls},
            {"role": "tool", "tool_name": "find_order", "content": '{"state": "sent"}'},
            {
                "role": "tool",
                "tool_name": "find_order",
                "content": '{"error": {"code": "GONE", "message": "No order."}}',
            },
            {"role": "user", "content": "And?"},
        ],
        "format": MOOD.schema,
    }


BODIES = {"anthropic": anthropic_body, "chat": chat_body, "responses": responses_body, "ollama": ollama_body}


@EVERY_PROTOCOL
async def test_a_conversation_is_sent_in_the_form_that_the_vendor_wants(vendors: Vendors, protocol: str) -> None:
    await vendors.ask(protocol, "text", messages=CONVERSATION, tools=(FIND_ORDER,), output=MOOD, temperature=0.5)

    body = vendors.sent[-1]
    system = _without_system(protocol, body)
    assert system.startswith("You help.")
    assert '"required": ["mood"]' in system, "some servers ignore the field for the schema"
    seed = body.pop("seed", None)
    if protocol == "ollama":
        seed = body["options"].pop("seed")
        assert body.pop("options") == {"num_predict": 4096, "temperature": 0.5}
    assert (seed is None) == (protocol in ("anthropic", "responses"))
    assert body == {"model": "text", **BODIES[protocol]()}


@pytest.mark.parametrize("protocol", ["chat", "ollama"])
async def test_the_same_request_has_the_same_seed_and_a_repeated_one_has_another(
    vendors: Vendors, protocol: str
) -> None:
    seeds = []
    for repeat in (0, 0, 1):
        await vendors.ask(protocol, "text", repeat=repeat)
        [body] = vendors.sent
        seeds.append(body["options"]["seed"] if protocol == "ollama" else body["seed"])

    assert seeds[0] == seeds[1] != seeds[2]
    assert all(0 <= seed < 2**31 for seed in seeds)


@EVERY_PROTOCOL
async def test_the_settings_of_a_provider_are_in_its_requests_unless_a_request_says_otherwise(
    vendors: Vendors, protocol: str
) -> None:
    more = {"HEADERS": '{"X-Team": "research"}', "TEMPERATURE": "0.25"}
    if protocol == "ollama":
        more["CONTEXT_TOKENS"] = "512"
    model = await connect(vendors.stack, protocol, vendors.stub.address, key=KEY, more=more)
    for temperature in (None, 0.75):
        request = replace(REQUEST, model=f"{PROVIDER[protocol]}:text", temperature=temperature)
        await model.complete(request)

    async with vendors.http.get(f"http://{vendors.stub.address}/asked") as response:
        asked = [one for one in await response.json() if one["body"]["model"] == "text"]
    assert [{name.lower(): text for name, text in one["headers"].items()}["x-team"] for one in asked] == [
        "research"
    ] * 2
    options = [one["body"]["options"] if protocol == "ollama" else one["body"] for one in asked]
    assert [one["temperature"] for one in options] == [0.25, 0.75]
    assert [one.get("num_ctx") for one in options] == [512 if protocol == "ollama" else None] * 2


def _without_system(protocol: str, body: dict[str, Any]) -> str:
    """Take the system text out of a body."""
    match protocol:
        case "anthropic":
            [block] = body.pop("system")
            assert block["cache_control"] == {"type": "ephemeral"}
            return str(block["text"])
        case "responses":
            return str(body.pop("instructions"))
        case _:
            message = body["messages"].pop(0)
            assert message["role"] == "system"
            return str(message["content"])
