"""Tool configs: checked against the revision when a conversation starts; each call tries the mocks in order."""

from typing import Any

import pytest
from google.protobuf import json_format

from greenroom.synthesizer.v1 import batch_pb2, procedure_pb2, tool_config_pb2
from greenroom.type.v1.event_pb2 import Resource, ToolAnswer
from shared.llm.base import ChatReply
from tests.scripted import (
    TOOLS,
    Held,
    Script,
    State,
    Theatre,
    calls,
    leaves,
    procedure_line,
    refused,
    says,
    source_line,
)


def config(**fields: Any) -> tool_config_pb2.ToolConfig:
    return json_format.ParseDict(fields, tool_config_pb2.ToolConfig())


def value(of: Any) -> dict[str, Any]:
    return {"value": of}


async def answers(
    stage: Theatre, call: ChatReply, given: tool_config_pb2.ToolConfig, **fields: Any
) -> list[ToolAnswer]:
    """The answers to a tool call in a rehearsal with this tool config."""
    script = Script(agent=[call, says("So.")], persona=[says("Do it."), leaves()])
    done = await stage.play(script, tool_config=given, **fields)
    assert done.state == State.STATE_COMPLETED, done.ended
    return [event.tool_result.answer for event in await stage.events(done.name) if event.HasField("tool_result")]


RULES = config(
    mocks=[
        {
            "tool": "find_order",
            "rules": [
                {"match": {"order": "O-1"}, "answer": value({"is": "the first rule"})},
                {"match": {"order": " o-2"}, "answer": {"error": {"code": "GONE", "message": "It is gone."}}},
            ],
            "defaultAnswer": value({"is": "the tool's default"}),
        }
    ],
    defaultAnswer=value({"is": "the config's default"}),
)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (calls("find_order", order="O-1"), "the first rule"),
        (calls("find_order", order="o-1  "), "the first rule"),
        (calls("find_order", order="O-9"), "the tool's default"),
        (calls("refund", why="x"), "the config's default"),
    ],
)
async def test_a_call_is_answered_by_the_first_that_matches(stage: Theatre, call: ChatReply, said: str) -> None:
    [answer] = await answers(stage, call, RULES)

    assert answer.value.struct_value["is"] == said


async def test_a_rule_can_answer_with_an_error_and_the_agent_goes_on(stage: Theatre) -> None:
    [answer] = await answers(stage, calls("find_order", order="O-2"), RULES)

    assert (answer.error.code, answer.error.message) == ("GONE", "It is gone.")


async def test_own_rules_come_before_recorded_calls_and_these_before_defaults(stage: Theatre) -> None:
    call = calls("find_order", order="O-7")
    [recorded] = await answers(stage, call, RULES, source=stage.source)
    assert recorded.value.struct_value["state"] == "sent"

    own = config(mocks=[{"tool": "find_order", "rules": [{"answer": value({"state": "mine"})}]}])
    [answer] = await answers(stage, call, own, source=stage.source)
    assert answer.value.struct_value["state"] == "mine"

    ignoring = config(defaultAnswer=value({"state": "default"}), ignoreRecordedCalls=True)
    [answer] = await answers(stage, call, ignoring, source=stage.source)
    assert answer.value.struct_value["state"] == "default"


async def test_a_tool_that_the_revision_lacks_or_arguments_that_it_forbids_are_errors_to_the_agent(
    stage: Theatre,
) -> None:
    [unknown] = await answers(stage, calls("teleport"), RULES)
    assert unknown.error.code == "UNKNOWN_TOOL"

    [wrong] = await answers(stage, calls("find_order", order=7), RULES)
    assert wrong.error.code == "INVALID_ARGUMENTS"
    assert "order" in wrong.error.message


async def test_an_answer_changes_resources_by_its_patches(stage: Theatre) -> None:
    patch = {"type": "order", "id": "O-7", "merge": {"refunded": True}}
    given = config(mocks=[{"tool": "refund", "defaultAnswer": {"value": {}, "patches": [patch]}}])

    [answer] = await answers(stage, calls("refund"), given, source=stage.source)

    assert answer.patches[0].merge["refunded"] is True


REQUIRED = [*TOOLS, {"name": "verify", "required": True}]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"mocks": [{"tool": "find_ordr"}]}, "spec.tool_config.mocks[0].tool"),
        ({"mocks": [{"tool": "refund"}, {"tool": "refund"}]}, "spec.tool_config.mocks[1].tool"),
        (
            {"mocks": [{"tool": "find_order", "defaultAnswer": value("text")}]},
            "spec.tool_config.mocks[0].default_answer",
        ),
        (
            {"mocks": [{"tool": "find_order", "rules": [{"answer": value([1])}]}]},
            "spec.tool_config.mocks[0].rules[0].answer",
        ),
        (
            {"mocks": [{"tool": "find_order", "rules": [{"match": {"ordr": "x"}, "answer": value({})}]}]},
            "spec.tool_config.mocks[0].rules[0].match.ordr",
        ),
        (
            {"mocks": [{"tool": "find_order", "rules": [{"match": {"order": 7}, "answer": value({})}]}]},
            "spec.tool_config.mocks[0].rules[0].match.order",
        ),
        ({}, "spec.tool_config.mocks"),
    ],
)
async def test_a_config_that_does_not_fit_the_revision_is_refused_and_the_field_named(
    stage: Theatre, given: dict[str, Any], field: str
) -> None:
    [procedure] = await stage.import_procedures(procedure_line("verified", REQUIRED))

    async with refused("INVALID_ARGUMENT", "TOOL_CONFIG_INVALID") as errors:
        await stage.client.conversations.start(stage.spec(procedure=procedure, tool_config=config(**given)))

    assert field in [violation.field for violation in errors[0].violations]


async def test_everything_that_is_wrong_is_named_at_once(stage: Theatre) -> None:
    [procedure] = await stage.import_procedures(procedure_line("verified", REQUIRED))
    given = config(mocks=[{"tool": "nope"}, {"tool": "find_order", "defaultAnswer": value("text")}])

    async with refused("INVALID_ARGUMENT", "TOOL_CONFIG_INVALID") as errors:
        await stage.client.conversations.start(stage.spec(procedure=procedure, tool_config=given))

    fields = [violation.field for violation in errors[0].violations]
    assert fields == [
        *("spec.tool_config.mocks[0].tool", "spec.tool_config.mocks[1].default_answer", "spec.tool_config.mocks")
    ]
    assert "verify" in errors[0].violations[-1].description


async def test_a_default_or_a_recorded_call_is_enough_for_a_required_tool(stage: Theatre) -> None:
    [verified] = await stage.import_procedures(procedure_line("verified", REQUIRED))
    default = config(defaultAnswer=value({"ok": True}))
    assert (await stage.play(procedure=verified, tool_config=default)).state == State.STATE_COMPLETED

    needing = [TOOLS[0] | {"required": True}]
    [recorded] = await stage.import_procedures(procedure_line("recorded", needing))
    assert (await stage.play(procedure=recorded, source=stage.source)).state == State.STATE_COMPLETED
    async with refused("INVALID_ARGUMENT", "TOOL_CONFIG_INVALID"):
        await stage.client.conversations.start(stage.spec(procedure=recorded))


async def test_a_recorded_answer_that_contradicts_the_schema_is_named_whichever_source_it_is_in(stage: Theatre) -> None:
    wants_a_word = {"type": "object", "properties": {"state": {"type": "string"}}}
    [procedure] = await stage.import_procedures(procedure_line("strict", [TOOLS[0] | {"result_schema": wants_a_word}]))
    sources = await stage.import_sources(
        source_line("made"), source_line("bad").replace('"state": "sent"', '"state": 7')
    )
    alone = stage.spec(procedure=procedure, source=sources[1])

    async with refused("INVALID_ARGUMENT", "TOOL_CONFIG_INVALID") as errors:
        await stage.client.conversations.start(alone)
    [violation] = errors[0].violations
    assert violation.field == "spec.tool_config.ignore_recorded_calls"
    assert "`find_order`: value.state: 7 is not" in violation.description

    many = batch_pb2.BatchSpec(conversation=stage.spec(procedure=procedure, persona=""), sources=sources, size=2)
    async with refused("INVALID_ARGUMENT", "TOOL_CONFIG_INVALID") as errors:
        await stage.client.batches.start(many)
    assert [said.field for said in errors[0].violations] == ["spec.conversation.tool_config.ignore_recorded_calls"]

    alone.tool_config.ignore_recorded_calls = True
    assert (await stage.client.conversations.start(alone)).name


async def test_an_answer_that_is_no_json_is_refused(stage: Theatre) -> None:
    given = tool_config_pb2.ToolConfig()
    given.default_answer.value.number_value = float("nan")

    async with refused("INVALID_ARGUMENT", "NUMBER_NOT_FINITE"):
        await stage.client.conversations.start(stage.spec(tool_config=given))


async def test_a_number_that_a_double_cannot_tell_from_its_neighbours_is_refused_with_its_place(stage: Theatre) -> None:
    given = tool_config_pb2.ToolConfig(mocks=[tool_config_pb2.ToolMock(tool="find_order")])
    rule = given.mocks[0].rules.add()
    rule.match.update({"order": 9007199254740993})
    rule.answer.value.number_value = -(2**60)
    patch = given.default_answer.patches.add(type="order", id="1")
    patch.merge.update({"a": {"b": 1e300}})
    resource = Resource(type="order", id="1")
    resource.data.update({"n": 2**53})

    async with refused("INVALID_ARGUMENT", "INVALID_ARGUMENT") as errors:
        await stage.client.conversations.start(stage.spec(tool_config=given, resources=[resource]))

    assert [violation.field for violation in errors[0].violations] == [
        "spec.tool_config.mocks[0].rules[0].match.order",
        "spec.tool_config.mocks[0].rules[0].answer.value",
        "spec.tool_config.default_answer.patches[0].merge.a.b",
        "spec.resources[0].data.n",
    ]


async def test_a_schema_may_have_a_bound_of_64_bits(stage: Theatre) -> None:
    tool = procedure_pb2.Tool(name="find")
    tool.arguments_schema.update({"type": "object", "properties": {"n": {"type": "integer", "maximum": 2**63 - 1}}})

    assert await stage.draft([tool])


async def test_the_config_is_returned_unchanged(stage: Theatre) -> None:
    started = await stage.client.conversations.start(stage.spec(tool_config=RULES), create_only=True)

    assert started.spec.tool_config == RULES
    assert (await stage.client.conversations.get(started.name)).spec.tool_config == RULES


async def test_a_later_revision_does_not_change_a_running_conversation(stage: Theatre) -> None:
    [procedure] = await stage.import_procedures(procedure_line("growing"))
    held = Held()
    script = Script(persona=[held, leaves()], agent=[calls("find_order", order="O-1"), says("So.")])
    started = await stage.client.conversations.start(stage.spec(script, procedure=procedure, tool_config=RULES))
    await held.begun.wait()
    grown = (await stage.client.procedures.get(procedure)).revision
    del grown.tools[:]
    await stage.client.procedures.add_revision(procedure, grown, ready=True)

    held.released.set()

    done = await stage.over(started.name)
    assert (done.state, done.spec.revision) == (State.STATE_COMPLETED, 1)
    results = [event.tool_result.answer for event in await stage.events(done.name) if event.HasField("tool_result")]
    assert results[0].value.struct_value["is"] == "the first rule"
    assert (await stage.play(procedure=procedure)).spec.revision == 2
