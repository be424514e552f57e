"""TryTool answers one call as a conversation would, and starts none."""

from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict

from greenroom.type.v1.event_pb2 import Resource
from tests.contract.order_tools import CANCEL, CANCELLED, GET, config
from tests.contract.test_resource_sets import acting, imported
from tests.scripted import Theatre, calls, refused


@pytest.fixture
async def spec(stage: Theatre) -> Any:
    """Tools that read and cancel orders. It has no persona."""
    order = Resource(type="order", id="O-1")
    order.data.update({"state": "pending", "price": 20, "owner": "ann"})
    spec = await acting(stage, resources=[])
    spec.persona = ""
    spec.resources.append(order)
    spec.tool_config.CopyFrom(config(cancel=[CANCEL], get_order=[{"replies": [GET]}]))
    return spec


async def tried(stage: Theatre, spec: Any, tool: str, **arguments: Any) -> Any:
    return await stage.client.conversations.try_tool(spec, tool, arguments)


async def test_a_call_is_answered_with_its_changes_and_nothing_is_started(stage: Theatre, spec: Any) -> None:
    before = [one.name async for one in stage.client.conversations.list()]

    got = await tried(stage, spec, "cancel", order="O-1", reason="late")

    assert MessageToDict(got.answer.value) == CANCELLED
    assert (got.answer.patches[0].id, got.mock_rule) == ("O-1", 0)
    assert [one.name async for one in stage.client.conversations.list()] == before
    assert (await tried(stage, spec, "get_order", order="O-1")).answer.value.struct_value["state"] == "pending"


async def test_the_answers_of_a_real_tool_and_the_failure_of_the_conversation_are_told(
    stage: Theatre, spec: Any
) -> None:
    assert (await tried(stage, spec, "teleport")).answer.error.code == "UNKNOWN_TOOL"
    assert (await tried(stage, spec, "get_order", order=7)).answer.error.code == "INVALID_ARGUMENTS"

    del spec.tool_config.mocks[0].rules[:]
    failure = (await tried(stage, spec, "cancel", order="O-1")).failure
    assert (failure.reason, failure.fault) == ("TOOL_NOT_MOCKED", 3)


async def test_answered_before_says_which_of_the_replies_comes(stage: Theatre, spec: Any) -> None:
    replies = [{"answer": {"error": {"code": "BUSY"}}}, {"answer": {"value": "now"}, "latency": {"least": "2s"}}]
    spec.tool_config.CopyFrom(config(cancel=[{"replies": replies}]))

    first = await stage.client.conversations.try_tool(spec, "cancel")
    later = await stage.client.conversations.try_tool(spec, "cancel", answered_before=3)

    assert first.answer.error.code == "BUSY"
    assert (later.answer.value.string_value, later.milliseconds) == ("now", 2000)


async def test_a_call_meets_the_resources_as_the_conversation_left_them_that_the_spec_is_based_on(
    stage: Theatre,
) -> None:
    await imported(stage, "tried")
    spec = await acting(stage, calls("cancel", order="O-1"), resources=["resources/tried"])
    done = await stage.over((await stage.client.conversations.start(spec)).name)
    spec.based_on.conversation, spec.based_on.seq = done.name, done.last_seq

    assert (await tried(stage, spec, "get_order", order="O-1")).answer.value.struct_value["state"] == "cancelled"


async def test_what_start_refuses_is_refused(stage: Theatre, spec: Any) -> None:
    spec.tool_config.CopyFrom(config(cancel=[{"condition": "args.ordr == 1", "answer": {"value": 1}}]))

    async with refused("INVALID_ARGUMENT", "TOOL_CONFIG_INVALID"):
        await tried(stage, spec, "cancel")
