"""Replies of tool configs: templates, sequences, operations on resources, latency, failures; and what Start refuses."""

from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict

from greenroom.synthesizer.v1 import conversation_pb2, tool_config_pb2
from greenroom.type.v1.event_pb2 import Event, Fault, Resource
from shared.llm.base import ChatReply
from tests.contract.order_tools import CANCEL, CANCELLED, GET, TOOLS, config, operations
from tests.scripted import Script, State, Theatre, calls, leaves, procedure_line, refused, says

ORDERS: dict[str, dict[str, Any]] = {
    "O-1": {"state": "pending", "price": 20, "owner": "ann"},
    "O-2": {"state": "sent", "price": 35.5, "owner": "bob"},
}


@pytest.fixture
async def spec(stage: Theatre) -> Any:
    """Makes a spec with orders, whose agent makes these calls one after the other."""
    [procedure] = await stage.import_procedures(procedure_line("replies", TOOLS))

    def made(given: tool_config_pb2.ToolConfig, *made: ChatReply, **fields: Any) -> conversation_pb2.ConversationSpec:
        script = Script(agent=[*made, says("So.")], persona=[says("Do it."), leaves()])
        orders = [Resource(type="order", id=key) for key in ORDERS]
        for one in orders:
            one.data.update(ORDERS[one.id])
        return stage.spec(script, procedure=procedure, tool_config=given, resources=orders, **fields)

    return made


async def results(stage: Theatre, spec: conversation_pb2.ConversationSpec) -> list[Event]:
    """The events of the tool results of a conversation that completes."""
    done = await stage.over((await stage.client.conversations.start(spec)).name)
    assert done.state == State.STATE_COMPLETED, done.ended
    return [event for event in await stage.events(done.name) if event.HasField("tool_result")]


async def told(stage: Theatre, spec: conversation_pb2.ConversationSpec) -> list[Any]:
    """The values, or the codes of errors, that the agent got."""
    answers = [event.tool_result.answer for event in await results(stage, spec)]
    return [one.error.code if one.HasField("error") else MessageToDict(one.value) for one in answers]


async def test_a_condition_over_the_arguments_decides_which_rule_answers(stage: Theatre, spec: Any) -> None:
    dear = {"condition": "args.amount > 100.0", "answer": {"error": {"code": "ASK_A_HUMAN"}}}
    given = config(cancel=[dear, {"answer": {"value": "fine"}}])

    assert await told(stage, spec(given, calls("cancel", amount=250.5))) == ["ASK_A_HUMAN"]
    assert await told(stage, spec(given, calls("cancel", amount=20.5), calls("cancel"))) == ["fine", "fine"]


async def test_a_template_fills_in_arguments_and_resources_and_keeps_the_type_of_a_lone_value(
    stage: Theatre, spec: Any
) -> None:
    template = {
        "price": "{{ resources.order[args.order].price }}",
        "order": "{{ resources.order[args.order] }}",
        "said": ["{{ args.order | downcase }} is {{ resources.order[args.order].state }}"],
        "unknown": "{{ resources.order['O-9'] }}",
    }

    [answer] = await told(
        stage, spec(config(get_order=[{"replies": [{"template": template}]}]), calls("get_order", order="O-2"))
    )

    assert answer == {"price": 35.5, "order": ORDERS["O-2"], "said": ["o-2 is sent"], "unknown": None}


async def test_the_replies_of_a_rule_come_in_order_and_the_last_one_repeats(stage: Theatre, spec: Any) -> None:
    replies = [{"answer": {"error": {"code": "BUSY"}}}, {"template": "now {{ args.order }}"}]
    other = {"match": {"order": "O-2"}, "answer": {"value": "other"}}
    asked = [calls("get_order", order=order) for order in ("O-1", "O-2", "O-3", "O-4")]

    events = await results(stage, spec(config(get_order=[other, {"replies": replies}]), *asked))

    answers = [event.tool_result.answer for event in events]
    assert [one.error.code or one.value.string_value for one in answers] == ["BUSY", "other", "now O-3", "now O-4"]
    assert [event.mock_rule for event in events] == [1, 0, 1, 1]


async def test_a_replay_goes_on_in_a_sequence_and_begins_it_anew_under_another_tool_config(
    stage: Theatre, spec: Any
) -> None:
    given = config(get_order=[{"replies": [{"template": "first"}, {"template": "then"}]}])
    other = config(get_order=[{"replies": [{"template": "anew"}, {"template": "later"}]}])
    [result] = await results(stage, spec(given, calls("get_order", order="O-1")))

    for tool_config, answer in ((tool_config_pb2.ToolConfig(), "then"), (other, "anew")):
        replay = spec(tool_config, calls("get_order", order="O-1"))
        replay.based_on.conversation, replay.based_on.seq = result.conversation, result.seq
        assert await told(stage, replay) == ["first", answer]


async def test_an_agent_that_cancels_an_order_finds_it_cancelled_afterwards(stage: Theatre, spec: Any) -> None:
    given = config(cancel=[CANCEL], get_order=[{"replies": [GET]}])
    asked = [
        calls("cancel", order="O-1", reason="late"),
        calls("get_order", order="O-1"),
        calls("cancel", order="O-1"),
        calls("cancel", order="O-2"),
        calls("get_order", order="O-2"),
        calls("get_order", order="O-9"),
    ]

    answers = await told(stage, spec(given, *asked))

    assert answers == [CANCELLED, CANCELLED, "CANCELLED_BEFORE", "TOO_LATE", ORDERS["O-2"], "NOT_FOUND"]


async def test_operations_find_list_create_and_delete_and_those_after_use_the_results(
    stage: Theatre, spec: Any
) -> None:
    find = {"kind": "KIND_FIND", "match": {"owner": "{{ args.order }}"}, "name": "old"}
    create = {"kind": "KIND_CREATE", "id": "O-3", "computed": {"price": "old.price", "again": "id"}, "name": "new"}
    delete = {"kind": "KIND_DELETE", "id": "O-1"}
    everything = {"kind": "KIND_LIST", "where": "it.price > 19", "name": "left"}
    given = config(get_order=[operations(find, create, delete, everything, returns="{'new': new, 'left': left}")])

    [answer, again] = await told(stage, spec(given, *[calls("get_order", order="ANN")] * 2))

    new = {"price": 20, "again": "O-3"}
    assert answer == {"new": new, "left": [ORDERS["O-2"], new]}
    assert again == "NOT_FOUND"


async def test_expressions_add_round_sort_find_and_merge(stage: Theatre, spec: Any) -> None:
    everything = {"kind": "KIND_LIST", "name": "all"}
    returns = (
        "{'total': round(sum(all.map(o, o.price)) * 1.01, 1), 'owners': sort(all.map(o, o.owner + args.order)),"
        " 'place': index_of(all.map(o, o.owner), 'bob'), 'merged': merge(all[0], {'price': null, 'new': {'a': 1}})}"
    )

    [answer] = await told(
        stage, spec(config(get_order=[operations(everything, returns=returns)]), calls("get_order", order="!"))
    )

    merged = {"state": "pending", "owner": "ann", "new": {"a": 1}}
    assert answer == {"total": 56.1, "owners": ["ann!", "bob!"], "place": 1, "merged": merged}


async def test_expressions_find_objects_and_calculate_and_need_no_operation(stage: Theatre, spec: Any) -> None:
    orders = "[{'id': 'a', 'price': 2}, {'id': 'b'}]"
    returns = f"[find({orders}, 'id', args.order), find({orders}, 'price', 3), calculate('2 * (3.5 - 1) / -4')]"
    works = {
        "condition": "calculate(args.order) > 0.0",
        "replies": [operations(returns="calculate(args.order)")["replies"][0]],
    }
    given = config(get_order=[works, operations(returns=returns)])

    answers = await told(
        stage, spec(given, *(calls("get_order", order=text) for text in ("b", "1 + 1", "2**9", "7 +")))
    )

    assert answers == [[{"id": "b"}, None, -1.25], 2, [None, None, -1.25], [None, None, -1.25]]


async def test_an_operation_that_fails_undoes_those_before_it(stage: Theatre, spec: Any) -> None:
    change = {"kind": "KIND_PATCH", "id": "O-1", "set": {"state": "lost"}}
    given = config(cancel=[operations(change, {"kind": "KIND_DELETE", "id": "O-9"})], get_order=[{"replies": [GET]}])

    answers = await told(stage, spec(given, calls("cancel"), calls("get_order", order="O-1")))

    assert answers == ["NOT_FOUND", ORDERS["O-1"]]


async def test_an_id_that_no_resource_can_have_is_an_error_to_the_agent(stage: Theatre, spec: Any) -> None:
    given = config(cancel=[operations({"kind": "KIND_CREATE", "id": "{{ args.reason }}"})])

    answers = await told(stage, spec(given, *(calls("cancel", reason="x" * length) for length in (257, 256))))

    assert answers == ["INVALID_ID", {}]


@pytest.mark.parametrize(
    ("replies", "says"), [(1, "type-0003, type-0004 and 995 more; add some"), (1_000, "take too much work to check")]
)
async def test_unknown_types_among_many_are_refused_with_the_first_of_those_that_exist(
    stage: Theatre, spec: Any, replies: int, says: str
) -> None:
    given = spec(config(cancel=[one(type="nope")] * replies))
    del given.resources[:]
    given.resources.extend(Resource(type=f"type-{n:04}", id="1") for n in range(1_000))

    async with refused("INVALID_ARGUMENT", "TOOL_CONFIG_INVALID") as errors:
        await stage.client.conversations.start(given)

    assert says in errors[0].violations[0].description


async def test_a_number_in_a_reply_that_json_does_not_have_is_refused(stage: Theatre, spec: Any) -> None:
    given = config(cancel=[{"replies": [{"template": 1}]}])
    given.mocks[0].rules[0].replies[0].template.number_value = float("nan")

    async with refused("INVALID_ARGUMENT", "NUMBER_NOT_FINITE"):
        await stage.client.conversations.start(spec(given))


async def test_a_partial_write_keeps_its_first_changes_and_fails(stage: Theatre, spec: Any) -> None:
    both = operations(
        {"kind": "KIND_PATCH", "id": "O-1", "set": {"state": "lost"}},
        {"kind": "KIND_PATCH", "id": "O-2", "set": {"state": "lost"}},
    )
    both["replies"][0]["failure"] = {"error": {"code": "TIMEOUT"}, "changesKept": 1}
    given = config(cancel=[both], get_order=[{"replies": [GET]}])
    asked = [calls("cancel"), calls("get_order", order="O-1"), calls("get_order", order="O-2")]

    answers = await told(stage, spec(given, *asked))

    assert answers == ["TIMEOUT", ORDERS["O-1"] | {"state": "lost"}, ORDERS["O-2"]]


async def test_the_seed_decides_which_calls_fail(stage: Theatre, spec: Any) -> None:
    reply = {"answer": {"value": "fine"}, "failure": {"error": {"code": "FLAKY"}, "probability": 0.5}}
    given = config(cancel=[{"replies": [reply]}])
    asked = [calls("cancel")] * 12

    first, other, again = [await told(stage, spec(given, *asked, seed=seed)) for seed in (71_001, 71_002, 71_001)]

    assert first == again
    assert first != other
    assert {"fine", "FLAKY"} == set(first)


async def test_latency_passes_on_the_virtual_clock(stage: Theatre, spec: Any) -> None:
    reply = {"answer": {"value": "fine"}, "latency": {"least": "3600s"}}
    started = await stage.client.conversations.start(spec(config(cancel=[{"replies": [reply]}]), calls("cancel")))
    done = await stage.over(started.name)

    times = {event.WhichOneof("kind"): event.virtual_time.ToMilliseconds() for event in await stage.events(done.name)}
    assert times["tool_result"] - times["tool_call"] == 3_600_000


async def test_a_call_that_nothing_answers_can_be_an_error_to_the_agent(stage: Theatre, spec: Any) -> None:
    given = config(unmatched="UNMATCHED_TOOL_ERROR", cancel=[{"match": {"order": "O-1"}, "answer": {"value": 1}}])

    assert await told(stage, spec(given, calls("cancel", order="O-2"))) == ["TOOL_UNAVAILABLE"]


async def test_a_change_of_a_resource_that_is_gone_is_an_error_to_the_agent(stage: Theatre, spec: Any) -> None:
    change = {"value": "fine", "patches": [{"type": "order", "id": "O-1", "merge": {"seen": True}}]}
    given = config(
        cancel=[operations({"kind": "KIND_DELETE", "id": "O-1"})],
        get_order=[{"match": {"order": "again"}, "replies": [{"answer": change}]}, {"answer": change}],
    )
    asked = [calls("get_order"), calls("cancel"), calls("get_order"), calls("get_order", order="again")]

    answers = await told(stage, spec(given, *asked))

    assert answers == ["fine", ORDERS["O-1"] | {"seen": True}, "RESOURCE_GONE", "RESOURCE_GONE"]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ({"template": "{% for a in (1..999) %}{% for b in (1..999) %}{{ args }}{% endfor %}{% endfor %}"}, ""),
        ({"operations": {"operations": [{"kind": "KIND_LIST", "type": "order"}], "returns": "args.order"}}, ""),
        ({"template": ["{{ args.reason | upcase | size }}"] * 1000}, "TOOL_REPLY_TOO_MUCH_WORK"),
    ],
)
async def test_a_reply_that_has_no_value_or_takes_too_much_work_fails_the_step(
    stage: Theatre, spec: Any, reply: dict[str, Any], reason: str
) -> None:
    given = config(cancel=[{"replies": [reply]}])
    started = await stage.client.conversations.start(spec(given, calls("cancel", reason="x" * 20_000)))

    done = await stage.over(started.name)

    assert (done.state, done.ended.reason) == (State.STATE_FAILED, reason or "TOOL_REPLY_FAILED")
    assert done.ended.fault == Fault.FAULT_TOOL_MOCK
    assert "ancel" in done.ended.detail


def one(**step: Any) -> dict[str, Any]:
    return operations({"kind": "KIND_GET", "id": "x", **step})


@pytest.mark.parametrize(
    ("rules", "field", "says"),
    [
        (
            [{"answer": {"value": 1}}, {"match": {"order": "x"}, "answer": {"value": 2}}],
            "[1]",
            "rules[0] answers every",
        ),
        ([{"condition": "1 == 2", "answer": {"value": 1}}], "[0].condition", "Never matches"),
        (
            [{"condition": "arg.order == 'x'", "answer": {"value": 1}}],
            "[0].condition",
            "undeclared reference to 'arg.order'",
        ),
        ([{"condition": "args.ordr == 'x'", "answer": {"value": 1}}], "[0].condition", "did you mean `order`"),
        ([{"condition": "args.order", "answer": {"value": 1}}], "[0].condition", "must be bool"),
        ([{}], "[0]", "either an answer or replies"),
        (
            [{"replies": [{"template": {"a": ["{{ arg.x }}"]}}]}],
            "[0].replies[0].template.a[0]",
            "uses `arg`, which does not exist (did you mean `args`?)",
        ),
        ([{"replies": [{"template": "{{ args.ordr }}"}]}], "[0].replies[0].template", "takes no argument `ordr`"),
        ([{"replies": [{"template": "{{ resources.ordr.x }}"}]}], "[0].replies[0].template", "has the type `ordr`"),
        ([{"replies": [{"template": "{{ args.order"}]}], "[0].replies[0].template", "not valid Liquid"),
        ([{"replies": [{"template": "{{ args.order | shout }}"}]}], "[0].replies[0].template", "filter shout"),
        ([one(type="odrer")], "[0].replies[0].operations.operations[0].type", "did you mean `order`"),
        ([one(id="")], "[0].replies[0].operations.operations[0].id", "A GET needs"),
        ([one(id="{{ user.id }}")], "[0].replies[0].operations.operations[0].id", "uses `user`"),
        ([one(where="true")], "[0].replies[0].operations.operations[0].where", "A GET has no where"),
        ([one(name="args")], "[0].replies[0].operations.operations[0].name", "is taken"),
        (
            [one(fails_if=[{"condition": "it.x == user.x", "error": {"code": "X"}}])],
            "[0].replies[0].operations.operations[0].fails_if[0].condition",
            "undeclared reference to 'user.x'; declared are args, it and id",
        ),
        ([operations(returns="{null: 1}")], "[0].replies[0].operations.returns", "not valid CEL: Unsupported map key"),
        ([operations({"kind": "KIND_LIST"}, returns="nope")], "[0].replies[0].operations.returns", "'nope'"),
    ],
)
async def test_start_refuses_what_can_never_work_and_names_it(
    stage: Theatre, spec: Any, rules: list[dict[str, Any]], field: str, says: str
) -> None:
    async with refused("INVALID_ARGUMENT", "TOOL_CONFIG_INVALID") as errors:
        await stage.client.conversations.start(spec(config(cancel=rules)))

    [violation] = errors[0].violations
    assert violation.field == f"spec.tool_config.mocks[0].rules{field}"
    assert says in violation.description


async def test_what_can_never_work_is_refused_without_a_procedure_too(stage: Theatre, spec: Any) -> None:
    rules = [{"condition": "arg.x == 1", "answer": {"value": 1}}, one(type="odrer")]
    given = spec(config(anything=rules, cancel=[{"condition": "1 / 0 == 1", "answer": {"value": 1}}]))
    given.procedure = ""
    given.agent.grpc.address = "127.0.0.1:1"

    async with refused("INVALID_ARGUMENT", "SPEC_INVALID") as errors:
        await stage.client.conversations.start(given)

    mocks = "spec.tool_config.mocks"
    assert sorted(violation.field for violation in errors[0].violations) == [
        f"{mocks}[0].rules[0].condition",
        f"{mocks}[0].rules[1].replies[0].operations.operations[0].type",
        f"{mocks}[1].rules[0].condition",
    ]


async def test_a_config_with_every_kind_of_reply_is_returned_unchanged(stage: Theatre, spec: Any) -> None:
    reply = {"template": {"n": 7, "x": 1.5}, "latency": {"least": "1s", "most": "2.500s"}}
    failing = {**GET, "failure": {"error": {"code": "X"}, "probability": 0.25, "changesKept": 1}}
    given = config(
        unmatched="UNMATCHED_TOOL_ERROR", cancel=[{"condition": "args.amount > 1", "replies": [reply, failing]}, CANCEL]
    )

    started = await stage.client.conversations.start(spec(given), create_only=True)

    assert (await stage.client.conversations.get(started.name)).spec.tool_config == given
