"""What is inferred from recorded conversations."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from services.synthesizer.inference.inferring import infer
from services.synthesizer.inference.model import Inferred, Support
from services.synthesizer.inference.observing import Observations
from services.synthesizer.inference.schemas import schema_of
from services.synthesizer.inference.values import Room, Values
from services.synthesizer.procedures.schemas import value_error
from shared.model.events import (
    AgentMessage,
    Event,
    Json,
    Kind,
    ToolAnswer,
    ToolCall,
    ToolResult,
    UserMessage,
)
from shared.model.steps import Ask, Call


def observed(values: Sequence[Json]) -> Values:
    """The values, each of another conversation."""
    seen, room = Values(), Room(1_000)
    for number, value in enumerate(values):
        seen.add(value, number, room)
    return seen


def schema(values: Sequence[Json], *, named: bool = False) -> Mapping[str, Any]:
    """What is inferred from the values; all of them fit it."""
    inferred, _ = schema_of(observed(values), named=named)
    assert [value_error(inferred, value, "value") for value in values] == [None] * len(values)
    return inferred


def conversation(*bodies: Kind) -> list[Event]:
    return [Event(id="", seq=number, at=60_000 * number, turn=0, body=body) for number, body in enumerate(bodies, 1)]


def calls(*called: tuple[str, Mapping[str, Json], Json]) -> list[Event]:
    """A conversation with these calls and their results."""
    bodies: list[Kind] = [UserMessage("Hello.")]
    for number, (tool, arguments, value) in enumerate(called):
        bodies += [ToolCall(f"c{number}", tool, arguments), ToolResult(f"c{number}", tool, ToolAnswer(value))]
    return conversation(*bodies, AgentMessage("Done."))


def inferred_from(conversations: Sequence[Sequence[Event]], instructions: str = "") -> Inferred:
    seen = Observations()
    for events in conversations:
        seen.add(events, instructions, ())
    return infer(seen)


def test_types_members_and_items_are_inferred_with_the_members_that_all_objects_have() -> None:
    values = [{"id": n, "tags": ["a", 1], "price": n + 0.5, "note": None} for n in range(3)] + [{"id": 4}]

    assert schema(values) == {
        "type": "object",
        "properties": {
            "id": {"type": "integer"},
            "tags": {"type": "array", "items": {"type": ["string", "integer"]}},
            "price": {"type": "number"},
            "note": {"type": "null"},
        },
        "required": ["id"],
    }


def test_a_member_is_required_only_if_three_objects_show_it() -> None:
    assert "required" not in schema([{"id": 1}] * 2)
    assert schema([{"id": 1}] * 3)["required"] == ["id"]


@pytest.mark.parametrize(
    ("text", "format_"),
    [
        ("2026-01-05", "date"),
        ("2026-01-05T09:00:00Z", "date-time"),
        ("mia.garcia@example.com", "email"),
        ("https://example.com/a?b=c", "uri"),
        ("0193507a-1f2e-7c3d-8e4f-5a6b7c8d9e0f", "uuid"),
        ("10.0.0.1", "ipv4"),
    ],
)
def test_a_format_is_inferred_from_three_texts_that_all_have_it(text: str, format_: str) -> None:
    assert schema([text] * 3) == {"type": "string", "format": format_}
    assert schema([text] * 2) == {"type": "string"}
    assert schema([text, text, text, "tomorrow"]) == {"type": "string"}


def test_an_enumeration_needs_many_conversations_with_each_of_its_words() -> None:
    words = ["refund", "exchange", "credit"]

    assert schema(words * 7)["enum"] == words
    assert "enum" not in schema(words * 5), "too few"
    assert "enum" not in schema([*words * 7, "voucher"]), "one was seen once, so others may be unseen"
    assert "enum" not in schema(["A-1", "A-2"] * 20), "ids"
    assert "enum" not in schema(["Gold", "gold"] * 20), "typed by people"
    assert schema([*words * 7, None])["enum"] == [*words, None]


def test_a_word_that_one_conversation_repeats_counts_once() -> None:
    seen, room = Values(), Room(100)
    for number in range(60):
        seen.add(["refund", "exchange"][number % 2], number // 30, room)

    assert schema_of(seen, named=False)[0] == {"type": "string"}


def test_an_object_whose_names_are_ids_is_a_map() -> None:
    values = [{f"item-{n}": {"price": n}, f"item-{n + 1}": {"price": n}} for n in range(0, 20, 2)]

    price = {"type": "object", "properties": {"price": {"type": "integer"}}, "required": ["price"]}
    assert schema(values) == {"type": "object", "additionalProperties": price}
    assert "properties" in schema(values, named=True), "the arguments of a tool have names"


def test_the_support_says_how_many_records_have_a_part() -> None:
    _, supports = schema_of(observed([{"a/b": "2026-01-05"}] * 3 + [{}]), named=True)

    assert [(one.pointer, one.support) for one in supports] == [
        ("/properties/a~1b", Support(3, 4)),
        ("/properties/a~1b/format", Support(3, 3)),
    ]


def test_values_of_any_size_leave_a_schema_that_can_be_saved() -> None:
    deep: Json = 1
    for _ in range(20):
        deep = {"in": [deep]}
    wide = {f"{'long' * 30}{number}": {"a": number, "b": [number]} for number in range(5_000)}

    assert schema([deep, wide, "x" * 4_000_000, list(range(10_000))])["type"] == ["object", "string", "array"]


def test_tools_of_one_name_with_other_arguments_become_one_that_takes_both() -> None:
    inferred = inferred_from([calls(("find", {"id": 7}, {"ok": True})), calls(("find", {"name": ["a"]}, "none"))])

    (tool,) = inferred.tools
    assert tool.tool.arguments_schema == {
        "type": "object",
        "properties": {"id": {"type": "integer"}, "name": {"type": "array", "items": {"type": "string"}}},
    }
    assert tool.tool.result_schema["type"] == ["object", "string"]
    assert (tool.calls, tool.conversations) == (2, 2)


def test_an_argument_whose_every_call_failed_is_left_out_and_said() -> None:
    inferred = inferred_from([calls(("find", {"id": 7}, "lamp"), ("find", {"idd": 7}, "Error: unknown argument"))])

    assert list(inferred.tools[0].tool.arguments_schema["properties"]) == ["id"]
    assert "The argument 'idd' of find was left out: every call with it failed." in inferred.notes


def test_a_tool_that_its_every_error_calls_unknown_is_left_out_and_said() -> None:
    inferred = inferred_from([calls(("find", {"id": 7}, "Error: no order 7"), ("fnd", {}, "Error: no tool fnd"))])

    assert [one.tool.name for one in inferred.tools] == ["find"]
    assert "The tool 'fnd' was left out: every call of it failed with an error that names it." in inferred.notes


def test_results_that_are_too_large_to_be_checked_in_a_rehearsal_get_no_schema() -> None:
    large = inferred_from([calls(("list_all", {}, [7] * 100_000), ("find", {}, {"id": 7}))])

    assert [bool(tool.tool.result_schema) for tool in large.tools] == [False, True]
    assert "list_all has no schema of its results: they are too large to be checked in a rehearsal." in large.notes


def test_system_texts_that_differ_by_customer_give_the_lines_that_most_have() -> None:
    seen = Observations()
    for number in range(30):
        seen.add(conversation(UserMessage("Hello.")), f"Be brief.\nThe customer is c{number}.\nBe kind.", ())

    inferred = infer(seen)

    assert inferred.instructions == "Be brief.\nBe kind."
    assert inferred.instructions_support is not None
    assert inferred.instructions_support.records == inferred.instructions_support.of
    assert "The system texts differ; the instructions are the lines that most of them have." in inferred.notes


def test_tools_whose_schemas_are_too_large_together_keep_those_that_fit_into_a_revision() -> None:
    wide = {f"{'long' * 25}{number}": number for number in range(100)}
    inferred = inferred_from(
        [calls((f"tool_{number}", {"n": 1} if number % 9 else wide, wide)) for number in range(99)]
    )

    sizes = [len(json.dumps([one.tool.arguments_schema, one.tool.result_schema])) for one in inferred.tools]
    assert len(sizes) == 99
    assert 200_000 < sum(sizes) <= 300_000
    assert any("has no schemas: those of all tools are too large for a procedure." in note for note in inferred.notes)


def test_the_commonest_answer_is_told() -> None:
    inferred = inferred_from([calls(("hand_over", {}, value)) for value in ("done", "busy", "done")])

    assert (inferred.tools[0].answer, inferred.tools[0].answer_records) == ("done", 2)


def order_and_voucher(number: int) -> list[Event]:
    """The agent asks for what it needs, looks up the order and sends a voucher in the shop's currency."""
    order, mail = f"LH-{number}", f"c{number}@example.com"
    return conversation(
        UserMessage(f"My lamp is broken, order {order.lower()}."),
        ToolCall("1", "find_order", {"order_id": order}),
        ToolResult("1", "find_order", ToolAnswer({"found": True})),
        AgentMessage("Where may I send the voucher?"),
        UserMessage(f"To {mail}, please."),
        ToolCall("2", "send_voucher", {"order_id": order, "mail": mail, "currency": "EUR"}),
        ToolResult("2", "send_voucher", ToolAnswer("sent")),
    )


def test_steps_are_inferred_where_all_call_the_tools_in_one_order_with_what_the_customers_say() -> None:
    leaves_early = order_and_voucher(9)[:4]

    inferred = inferred_from([*map(order_and_voucher, range(8)), leaves_early])

    assert inferred.steps == (
        Ask(slot="order_id", question="Could you tell me the order id, please?", schema={"type": "string"}),
        Call(tool="find_order", arguments={"order_id": "order_id"}),
        Ask(slot="mail", question="Where may I send the voucher?", schema={"type": "string", "format": "email"}),
        Ask(slot="currency", question="Could you tell me the currency, please?", schema={"const": "EUR"}),
        Call(tool="send_voucher", arguments={"order_id": "order_id", "mail": "mail", "currency": "currency"}),
    )
    assert inferred.steps_support == Support(8, 9)


def test_no_steps_are_inferred_from_several_orders_or_from_what_no_customer_said() -> None:
    other = calls(("send_voucher", {"mail": "a@example.com"}, "sent"))
    unsaid = calls(("find_order", {"order_id": "LH-1"}, {}))

    several = inferred_from([*map(order_and_voucher, range(8)), other])
    secret = inferred_from([*[unsaid] * 4, calls(("find_order", {"order_id": "LH-2"}, {}))])

    assert (several.steps, secret.steps) == ((), ())
    assert "The conversations do not show one order of the tools, so there are no steps." in several.notes
    assert "The customers do not say all that the tools take, so there are no steps." in secret.notes


def test_personas_are_the_commonest_ways_to_write() -> None:
    short = conversation(UserMessage("my lamp?"), AgentMessage("Yes?"), UserMessage("is broken"))
    polite = conversation(
        UserMessage("Hello, could you please tell me where my lamp is?"),
        AgentMessage("Yes."),
        UserMessage("Thank you, that is all I wanted to know from you."),
    )

    first, second = inferred_from([short, short, polite]).personas

    assert (first.persona.personality.response_length, first.support) == ("SHORT", Support(2, 3))
    assert (second.persona.personality.tone, second.support) == ("friendly", Support(1, 3))
    assert "says_please_and_thank_you" in second.persona.behaviour_traits


def test_what_cannot_be_inferred_is_said() -> None:
    inferred = inferred_from([conversation(UserMessage("Hello."), AgentMessage("Hi."))])

    assert (inferred.tools, inferred.personas, inferred.instructions) == ((), (), "")
    assert len(inferred.notes) == 3
