"""How much memory a conversation takes whose tools act on a large database."""

import asyncio
import gzip
import json
import tracemalloc
from collections.abc import Mapping
from functools import partial
from typing import Any

from benchmarks.dialogues import DATA
from benchmarks.results import Result, limited
from services.synthesizer.conversations.mocked_tools import MockedTools, SharedMocks
from services.synthesizer.tool_configs.answers import NO_RECORDED
from services.synthesizer.tool_configs.model import Reply, ToolConfig, ToolMock, ToolRule
from services.synthesizer.tool_configs.replies.kind import CallContext
from shared.compute.offload import Offload
from shared.model.conversation import State, evolve
from shared.model.draws import draw
from shared.model.events import Event, ToolCall, ToolResult
from shared.model.world import World

_ORDER = {"type": "orders", "id": "{{ args.order_id }}", "name": "order"}
_USER = {"type": "users", "id": "{{ order.user_id }}", "name": "user"}
_REFUND = "it.payment_history + it.payment_history.map(p, merge(p, {'transaction_type': 'refund'}))"
_TOOLS: Mapping[str, list[dict[str, Any]]] = {
    "get_order_details": [{"kind": "KIND_GET", **_ORDER}],
    "get_user_details": [{"kind": "KIND_GET", **_ORDER}, {"kind": "KIND_GET", **_USER}],
    "cancel_pending_order": [
        {"kind": "KIND_PATCH", **_ORDER, "set": {"status": "cancelled"}, "computed": {"payment_history": _REFUND}}
    ],
    "modify_user_address": [
        {"kind": "KIND_GET", **_ORDER},
        {"kind": "KIND_PATCH", **_USER, "set": {"address": {"city": "{{ args.city }}"}}},
    ],
}
"""Four of the tools of tau2's retail shop; two of them write."""


def memory(row: Mapping[str, Any], conversations: int) -> Result:
    """KB of memory that each conversation adds while all are alive, beside the KB of a database of its own."""
    return asyncio.run(_memory(row, conversations))


async def _memory(row: Mapping[str, Any], conversations: int) -> Result:
    stored = gzip.decompress((DATA / "tau2" / "retail" / "db.json.gz").read_bytes())
    base = json.loads(stored)
    mocks = SharedMocks.of(ToolConfig(tuple(_mock(tool) for tool in _TOOLS)))
    offload = Offload()
    tools = MockedTools(None, mocks, NO_RECORDED, offload)
    await _played(World(base), tools, next(iter(base["orders"])), 0)  # compiles the replies
    tracemalloc.start()
    alive = [
        await _played(World(base), tools, order, index) for index, order in enumerate([*base["orders"]][:conversations])
    ]
    ours, _ = tracemalloc.get_traced_memory()
    copy = json.loads(stored)
    both, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    await offload.close()
    assert len(copy) == len(base)
    assert all(state.resources["orders", order]["status"] == "cancelled" for state, order in alive)
    assert json.loads(stored) == base
    return limited(row, "KB", [ours / conversations / 1000], beside=[(both - ours) / 1000])


def _mock(tool: str) -> ToolMock:
    return ToolMock(tool, (ToolRule(replies=(Reply("operations", {"operations": _TOOLS[tool]}),)),))


async def _played(world: World, tools: MockedTools, order: str, index: int) -> tuple[State, str]:
    """A conversation after twelve calls about an order, six of which write, and the order."""
    state = State(resources=world)
    for number, tool in enumerate([*_TOOLS] * 3):
        call = ToolCall(f"call-{number}", tool, {"order_id": order, "city": f"City {number}"})
        context = CallContext(state.resources, state.answered, partial(draw, 7, index, number))
        answered = await tools.answer(call, context)
        assert answered.answer.error is None, answered
        for body in (call, ToolResult(call.call_id, tool, answered.answer)):
            state = evolve(state, Event("", state.last_seq + 1, 0, 0, body, mock_rule=answered.rule))
    return state, order
