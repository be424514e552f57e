"""Resource sets: imported whole or not at all, shared by conversations that change only copies of their own."""

import json
from collections.abc import Iterable
from typing import Any

from greenroom.synthesizer.v1 import batch_pb2
from services.synthesizer.resource_sets import model
from tests.contract import batches
from tests.contract.order_tools import CANCEL, GET, TOOLS, config
from tests.scripted import Script, State, Theatre, calls, leaves, procedure_line, refused, says

ORDERS = [
    {"type": "order", "id": "O-1", "data": {"state": "pending", "price": 20, "owner": "ann"}},
    {"type": "order", "id": "O-2", "data": {"state": "sent", "price": 35.5, "owner": "bob"}},
    {"type": "user", "id": "ann", "data": {"name": "Ann"}},
]


async def imported(stage: Theatre, set_id: str, lines: Iterable[Any] = ORDERS) -> Any:
    """Import these resources, or lines of text, as a set."""
    file = stage.folder / "set.jsonl"
    file.write_text("".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in lines))
    return await stage.client.resources.import_file(file, set_id)


async def acting(stage: Theatre, *made: Any, resources: Iterable[str]) -> Any:
    """A spec over resource sets whose agent makes these calls."""
    [procedure] = await stage.import_procedures(procedure_line("sets", TOOLS))
    script = Script(agent=[*made, says("So.")], persona=[says("Do it."), leaves()])
    given = config(cancel=[CANCEL], get_order=[{"replies": [GET]}])
    return stage.spec(script, procedure=procedure, tool_config=given, mock_resources=resources)


async def states(stage: Theatre, name: str) -> list[str]:
    """The state of the order in each tool result of a conversation, or the code of an error."""
    answers = [one.tool_result.answer for one in await stage.events(name) if one.HasField("tool_result")]
    return [one.error.code or str(one.value.struct_value["state"]) for one in answers]


async def test_a_set_is_imported_shown_listed_and_deleted(stage: Theatre) -> None:
    made = await imported(stage, "shown")

    assert (made.name, made.resource_count, dict(made.types)) == ("resources/shown", 3, {"order": 2, "user": 1})
    assert await stage.client.resources.get(made.name) == made
    assert await anext(stage.client.resources.list()) == made
    await stage.client.resources.delete(made.name)
    async with refused("NOT_FOUND", "RESOURCE_SET_NOT_FOUND"):
        await stage.client.resources.get(made.name)


async def test_the_same_content_again_changes_nothing_and_other_content_is_refused(stage: Theatre) -> None:
    made = await imported(stage, "again")

    assert await imported(stage, "again") == made
    async with refused("ALREADY_EXISTS", "RESOURCE_SET_EXISTS"):
        await imported(stage, "again", ORDERS[:1])


async def test_a_file_with_a_bad_line_is_not_imported_and_its_lines_are_named(stage: Theatre) -> None:
    lines = [*ORDERS, "{", {"type": "a/b", "id": "1"}, {"type": "order"}, ORDERS[0]]

    async with refused("INVALID_ARGUMENT", "RESOURCE_SET_INVALID") as errors:
        await imported(stage, "bad", lines)

    assert [one.field for one in errors[0].violations] == [f"set.jsonl:{line}" for line in (4, 5, 6, 7)]
    assert "is on line 1 too" in errors[0].violations[-1].description
    async with refused("INVALID_ARGUMENT", "RESOURCE_SET_INVALID"):
        await imported(stage, "bad", [])
    async with refused("NOT_FOUND", "RESOURCE_SET_NOT_FOUND"):
        await stage.client.resources.get("resources/bad")


async def test_a_set_beyond_its_bounds_is_refused_by_name(stage: Theatre) -> None:
    large = ({"type": "order", "id": str(n), "data": {"text": "x" * 500_000}} for n in range(70))
    async with refused("INVALID_ARGUMENT", "RESOURCE_SET_TOO_LARGE") as errors:
        await imported(stage, "heavy", large)
    assert "resources/heavy has more than 32 MiB" in str(errors[0])

    many = ({"type": "order", "id": str(n)} for n in range(model.MAX_RESOURCES + 1))
    async with refused("INVALID_ARGUMENT", "RESOURCE_SET_TOO_LARGE") as errors:
        await imported(stage, "many", many)
    assert "resources/many has more than 20,000 resources" in str(errors[0])

    types = ({"type": f"type-{n}", "id": "1"} for n in range(model.MAX_TYPES + 1))
    async with refused("INVALID_ARGUMENT", "RESOURCE_SET_TOO_LARGE") as errors:
        await imported(stage, "types", types)
    assert "resources/types has more than 1,000 types" in str(errors[0])

    async with refused("INVALID_ARGUMENT", "RESOURCE_SET_INVALID") as errors:
        await imported(stage, "wide", [{"type": "order", "id": "1", "data": {"text": "x" * 1_000_000}}])
    assert "more than 524,288 bytes" in errors[0].violations[0].description


async def test_a_conversation_changes_only_its_own_copy_of_a_set(stage: Theatre) -> None:
    await imported(stage, "copied")
    asked = [calls("get_order", order="O-1"), calls("cancel", order="O-1"), calls("get_order", order="O-1")]

    for _ in range(2):
        spec = await acting(stage, *asked, resources=["resources/copied"])
        started = await stage.client.conversations.start(spec)
        done = await stage.over(started.name)
        assert await states(stage, done.name) == ["pending", "cancelled", "cancelled"]
        opened = (await stage.events(done.name))[0].opened
        assert not opened.resources


async def test_a_replay_goes_on_with_the_resources_as_they_were(stage: Theatre) -> None:
    await imported(stage, "replayed")
    asked = [calls("cancel", order="O-1"), calls("get_order", order="O-1")]
    first = await stage.over(
        (await stage.client.conversations.start(await acting(stage, *asked, resources=["resources/replayed"]))).name
    )
    [result, _] = [one for one in await stage.events(first.name) if one.HasField("tool_result")]
    spec = await acting(stage, calls("get_order", order="O-1"), resources=[])
    spec.ClearField("procedure")
    spec.ClearField("tool_config")
    spec.based_on.conversation, spec.based_on.seq = first.name, result.seq

    done = await stage.over((await stage.client.conversations.start(spec)).name)

    assert await states(stage, done.name) == ["cancelled", "cancelled"]


async def test_mock_resources_name_single_resources_and_later_ones_replace_earlier_ones(stage: Theatre) -> None:
    await imported(stage, "whole")
    await imported(stage, "other", [{"type": "order", "id": "O-1", "data": {"state": "lost"}}, *ORDERS[1:]])
    asked = [calls("get_order", order="O-1"), calls("get_order", order="O-2")]

    for resources, expected in (
        (["resources/whole", "resources/other/order/O-1"], ["lost", "sent"]),
        (["resources/whole/order/O-1"], ["pending", "NOT_FOUND"]),
    ):
        started = await stage.client.conversations.start(await acting(stage, *asked, resources=resources))
        assert await states(stage, (await stage.over(started.name)).name) == expected


async def test_a_set_or_a_resource_that_does_not_exist_is_refused_at_the_start(stage: Theatre) -> None:
    await imported(stage, "there")
    async with refused("NOT_FOUND", "RESOURCE_SET_NOT_FOUND"):
        await stage.client.conversations.start(await acting(stage, resources=["resources/nowhere"]))
    async with refused("NOT_FOUND", "RESOURCE_NOT_FOUND"):
        await stage.client.conversations.start(await acting(stage, resources=["resources/there/order/O-9"]))


async def test_a_set_in_use_is_not_deleted_and_its_users_are_named(stage: Theatre) -> None:
    made = await imported(stage, "used")
    spec = await acting(stage, resources=["resources/used/order/O-1"])
    single = await stage.client.conversations.start(spec)
    spec.persona = ""
    batch = await stage.client.batches.start(batch_pb2.BatchSpec(conversation=spec, size=2))
    await stage.over(single.name)
    await batches.over(stage, batch.name)

    async with refused("FAILED_PRECONDITION", "STILL_REFERRED_TO") as errors:
        await stage.client.resources.delete(made.name)
    assert f"{single.name}, {batch.name} use it" in str(errors[0])

    await stage.client.conversations.delete(single.name)
    async with refused("FAILED_PRECONDITION", "STILL_REFERRED_TO") as errors:
        await stage.client.resources.delete(made.name)
    assert f"{batch.name} uses it" in str(errors[0])

    await stage.client.batches.delete(batch.name)
    await stage.client.resources.delete(made.name)


async def test_two_hundred_conversations_that_write_the_same_order_never_see_each_other(stage: Theatre) -> None:
    await imported(stage, "shared")
    asked = [calls("get_order", order="O-1"), calls("cancel", order="O-1"), calls("get_order", order="O-1")]
    spec = await acting(stage, *asked, resources=["resources/shared"])
    spec.persona = ""

    started = await stage.client.batches.start(batch_pb2.BatchSpec(conversation=spec, size=200, max_in_flight=200))
    done = await batches.over(stage, started.name)

    assert done.counts.completed == 200
    seen = {tuple(await states(stage, row.conversation)) for row in await batches.results(stage, done.name)}
    assert seen == {("pending", "cancelled", "cancelled")}
    assert {row.state for row in await batches.results(stage, done.name)} == {State.STATE_COMPLETED}
