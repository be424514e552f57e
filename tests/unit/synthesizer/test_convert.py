"""Conversions between messages, documents and the model, in both directions."""

import pytest
from google.protobuf.struct_pb2 import Struct, Value
from hypothesis import given
from hypothesis import strategies as st

from greenroom.type.v1 import event_pb2
from services.synthesizer.procedures.messages import revision, revision_message
from services.synthesizer.procedures.model import Revision, RevisionState
from services.synthesizer.procedures.store import pack_revision, unpack_revision
from services.synthesizer.sources.documents import pack_source, unpack_source_events, unpack_source_resources
from shared.model.events import (
    AgentMessage,
    AttemptStarted,
    Ended,
    Event,
    Fault,
    Json,
    Kind,
    Opened,
    Outcome,
    Resource,
    ResourcePatch,
    ToolAnswer,
    ToolCall,
    ToolError,
    ToolResult,
    Usage,
    UserMessage,
    Waited,
)
from shared.model.steps import Ask, Branch, Call, End, Say, Tool
from shared.rpc.events import event_body, event_message
from shared.rpc.values import NumberNotFinite, fill_struct, struct_json, value_json

DATA: Json = {
    "text": "ä",
    "whole": 7,
    "part": 0.5,
    "big": 2**53,
    "no": None,
    "yes": True,
    "list": [1, [], {}],
    "in": {},
}

BODIES: list[Kind] = [
    Opened((Resource("order", "o-1", DATA, appeared_after=2),)),
    Opened(),
    UserMessage("Hello"),
    UserMessage(silent=True),
    UserMessage(leaves=True),
    AgentMessage("Hi"),
    ToolCall("c-1", "find", DATA),
    ToolCall("c-1", "find"),
    ToolResult("c-1", "find", ToolAnswer(DATA, patches=(ResourcePatch("order", "o-1", {"gone": None}),))),
    ToolResult("c-1", "find", ToolAnswer(None)),
    ToolResult("c-1", "find", ToolAnswer(error=ToolError("NOT_FOUND", "No such order."))),
    Waited(1_767_603_600_123),
    AttemptStarted(2),
    Ended(Outcome.COMPLETED, "USER_LEFT", "The user left."),
    Ended(Outcome.FAILED, "MODEL_DOWN", "It is down.", Fault.PERSONA_MODEL),
]

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.kind)
def test_an_event_equals_its_message(body: Kind) -> None:
    event = Event("e-1", 5, 1_767_603_600_123, 3, body, copied=True, usage=Usage(1, 20, 300))

    message = event_pb2.Event.FromString(
        event_message(event, "conversations/c", 1_767_603_600_123_456).SerializeToString()
    )

    assert event_body(message) == body
    assert (message.id, message.conversation, message.seq, message.turn) == ("e-1", "conversations/c", 5, 3)
    assert message.copied
    assert message.virtual_time.ToJsonString() == "2026-01-05T09:00:00.123Z"
    assert message.create_time.ToJsonString() == "2026-01-05T09:00:00.123456Z"
    assert (message.usage.model_calls, message.usage.input_tokens, message.usage.output_tokens) == (1, 20, 300)


def test_an_empty_event_message_has_no_body() -> None:
    assert event_body(event_pb2.Event()) is None


@given(value=st.dictionaries(st.text(), JSON, max_size=4))
def test_json_comes_back_from_a_struct_with_whole_numbers_as_ints(value: Json) -> None:
    struct = Struct()
    fill_struct(struct, value)

    back = struct_json(struct)

    assert back == value
    assert struct_json(Struct.FromString(struct.SerializeToString())) == value


def test_whole_numbers_are_ints_and_others_are_floats() -> None:
    struct = Struct()
    fill_struct(struct, {"a": 3, "b": 3.5, "c": 1e300})

    back = struct_json(struct)

    assert [type(back[name]) for name in "abc"] == [int, float, float]


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_json_does_not_have_is_refused(number: float) -> None:
    with pytest.raises(NumberNotFinite):
        value_json(Value(number_value=number))


REVISION = Revision(
    procedure="",
    number=1,
    state=RevisionState.DRAFT,
    instructions="Do it.",
    steps=(
        Say("Hello", id="hello"),
        Ask("order", "Which?", {"type": "string", "minLength": 3}, optional=True),
        Call("refund", {"order_id": "order"}),
        Branch("results.refund.ok", "hello", "bye"),
        End(id="bye"),
    ),
    tools=(Tool("refund", "Refunds.", {"type": "object"}, {"type": "number"}, required=True), Tool("look")),
)


def test_a_revision_comes_back_from_its_message_and_from_its_document() -> None:
    assert revision(revision_message(REVISION)) == REVISION
    assert Revision("", 1, RevisionState.DRAFT, **unpack_revision(pack_revision(REVISION))) == REVISION


def test_a_sources_content_comes_back_from_its_document_whole_and_in_parts() -> None:
    events = tuple(Event("", seq, 60_000 * seq, 0, UserMessage(f"line\n{seq}")) for seq in range(1, 6))
    resources = (Resource("order", "o-1", {"note": "two\nlines"}, 3),)

    document = pack_source(events, resources)

    assert unpack_source_events(document) == events
    assert unpack_source_events(document, after=2, limit=2) == events[2:4]
    assert unpack_source_events(document, after=9, limit=2) == ()
    assert unpack_source_resources(document) == resources
    assert unpack_source_events(pack_source((), ())) == ()
