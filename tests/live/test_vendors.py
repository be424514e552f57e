"""The providers, against their vendors' own servers.

Each vendor is called if its key and LIVE_<PROVIDER>_MODEL are set, such as OPENAI_API_KEY and LIVE_OPENAI_MODEL. The
calls of one vendor take about 5,000 tokens.
"""

import json
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from shared.llm.base import (
    ChatModel,
    ChatRequest,
    Message,
    ModelRefused,
    ModelTruncated,
    Output,
    ToolRequest,
)
from shared.llm.briefs import AgentBrief
from shared.llm.providers import PROVIDERS
from shared.model.steps import Tool
from tests.vendors import PROVIDER, connect

pytestmark = pytest.mark.live

FIND_ORDER = Tool(
    "find_order",
    "Find the state of an order.",
    {"type": "object", "properties": {"order": {"type": "string"}}, "required": ["order"]},
)
MOOD = Output(
    "mood",
    {
        "type": "object",
        "properties": {"mood": {"type": "string"}, "reason": {"type": "string"}},
        "required": ["mood", "reason"],
        "additionalProperties": False,
    },
)
REQUEST = ChatRequest(
    model="",
    system="You help the customers of a shop. Look an order up before you speak about it.",
    messages=(Message("user", "Where is my order O-7?"),),
    tools=(),
    seed=7,
    index=0,
    seq=1,
    brief=AgentBrief("", ()),
    max_tokens=1000,
)


class Vendor:
    """A vendor, over one of its protocols."""

    def __init__(self, protocol: str, stack: AsyncExitStack) -> None:
        self.protocol, self._stack = protocol, stack
        self.provider = PROVIDER[protocol]
        settings = PROVIDERS[self.provider].settings.read()
        self.key = settings.key
        self.model = os.environ.get(f"LIVE_{self.provider.upper()}_MODEL", "")
        if not self.model or (settings.own_host and not self.key):
            pytest.skip(f"set {settings.own_variable} and LIVE_{self.provider.upper()}_MODEL")

    async def connected(self, *, key: str | None = None, stream: bool = False) -> ChatModel:
        """The provider, perhaps with another key."""
        more = {"STREAM": str(stream)}
        return await connect(self._stack, self.protocol, None, key=self.key if key is None else key, more=more)

    def asked(self, **changes: object) -> ChatRequest:
        """The request, to this vendor's model."""
        return replace(REQUEST, model=f"{self.provider}:{self.model}", **changes)  # type: ignore[arg-type]


@pytest.fixture(params=PROVIDER)
async def vendor(request: pytest.FixtureRequest) -> AsyncIterator[Vendor]:
    """Each vendor, over each of its protocols."""
    async with AsyncExitStack() as stack:
        yield Vendor(request.param, stack)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_model_calls_a_tool_and_speaks_after_its_answer(vendor: Vendor, stream: bool) -> None:
    model = await vendor.connected(stream=stream)
    asked = vendor.asked(tools=(FIND_ORDER,))

    called = await model.complete(asked)
    assert [call.tool for call in called.calls] == ["find_order"]
    assert "O-7" in str(called.calls[0].arguments["order"])

    answered = (
        *asked.messages,
        Message("assistant", call=ToolRequest("find_order", {"order": "O-7"}, "c1")),
        Message("tool", result={"state": "sent", "arrives": "Friday"}, call_id="c1"),
    )
    said = await model.complete(replace(asked, messages=answered))
    assert "Friday" in said.text
    assert said.usage.input_tokens > 20
    assert (said.first_token is not None) == stream


async def test_a_structured_answer_follows_the_schema(vendor: Vendor) -> None:
    model = await vendor.connected()
    asked = vendor.asked(messages=(Message("user", "My order is late again!"),), output=MOOD)

    answer = json.loads((await model.complete(asked)).text)

    assert answer.keys() == {"mood", "reason"}


async def test_a_repeated_prefix_is_read_from_the_cache(vendor: Vendor) -> None:
    if vendor.protocol == "ollama":
        pytest.skip("Ollama does not count cached tokens")
    model = await vendor.connected()
    asked = vendor.asked(system=REQUEST.system + " Be kind and brief." * 1000)

    await model.complete(asked)
    again = await model.complete(asked)

    assert again.usage.cached_tokens > 1000


async def test_an_answer_that_is_cut_is_a_failure(vendor: Vendor) -> None:
    model = await vendor.connected()
    with pytest.raises(ModelTruncated):
        await model.complete(vendor.asked(messages=(Message("user", "Tell a long story."),), max_tokens=16))


async def test_an_unknown_model_and_a_wrong_key_are_refused(vendor: Vendor) -> None:
    with pytest.raises(ModelRefused, match="404"):
        await (await vendor.connected()).complete(replace(vendor.asked(), model=f"{vendor.provider}:no-such-model"))
    if vendor.protocol != "ollama":
        wrong = "sk-wrong-0123456789abcdef0123456789abcdef"
        with pytest.raises(ModelRefused, match="401") as refused:
            await (await vendor.connected(key=wrong)).complete(vendor.asked())
        assert wrong not in str(refused.value)
