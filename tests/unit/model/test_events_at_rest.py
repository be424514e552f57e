"""Stored events, and the digest of a transcript; equal transcripts have equal digests."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.digest import transcript_digest
from shared.model.events import (
    AgentMessage,
    AttemptStarted,
    Ended,
    Event,
    Fault,
    Kind,
    Opened,
    Outcome,
    PersonaFlag,
    Resource,
    ResourcePatch,
    Sentiment,
    Thoughts,
    ToolAnswer,
    ToolCall,
    ToolError,
    ToolResult,
    Usage,
    UserMessage,
    Waited,
    pack,
    unpack,
)

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(), JSON, max_size=4)
ANSWERS = st.builds(
    ToolAnswer,
    value=JSON,
    patches=st.lists(st.builds(ResourcePatch, st.text(), st.text(), OBJECTS, st.booleans()), max_size=2).map(tuple),
) | st.builds(ToolAnswer, error=st.builds(ToolError, st.text(), st.text()))
BODIES: st.SearchStrategy[Kind] = st.one_of(
    st.builds(
        Opened, st.lists(st.builds(Resource, st.text(), st.text(), OBJECTS, st.integers(0, 9)), max_size=2).map(tuple)
    ),
    st.builds(UserMessage, st.text(), st.booleans(), st.booleans()),
    st.builds(AgentMessage, st.text()),
    st.builds(ToolCall, st.text(), st.text(), OBJECTS),
    st.builds(ToolResult, st.text(), st.text(), ANSWERS),
    st.builds(Waited, st.integers(0, 2**50)),
    st.builds(AttemptStarted, st.integers(1, 99)),
    st.builds(Ended, st.sampled_from(Outcome), st.text(), st.text(), st.none() | st.sampled_from(Fault)),
)
EVENTS = st.builds(
    Event,
    id=st.text(),
    seq=st.integers(1, 2**40),
    at=st.integers(0, 2**50),
    turn=st.integers(0, 200),
    body=BODIES,
    copied=st.booleans(),
    usage=st.none() | st.builds(Usage, st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)),
    session=st.none() | st.binary(max_size=20),
    thoughts=st.none() | st.builds(Thoughts, st.text(), st.sampled_from(Sentiment), st.integers(0, 100)),
    flags=st.lists(st.sampled_from(PersonaFlag), max_size=2).map(tuple),
    mock_rule=st.none() | st.integers(0, 999),
    steps=st.lists(st.integers(0, 199), max_size=3).map(tuple),
)


@given(EVENTS)
def test_an_event_is_read_as_it_was_written(event: Event) -> None:
    assert unpack(pack(event)) == event


def test_a_number_that_json_does_not_have_is_refused_when_written() -> None:
    with pytest.raises(ValueError, match="JSON"):
        pack(Event("a", 1, 0, 0, ToolCall("c", "t", {"x": float("nan")})))


THOUGHTS = Thoughts("Politely.", Sentiment.NEUTRAL, 5)
TALK = [
    Event("a", 1, 0, 0, Opened()),
    Event(
        "b", 2, 1000, 1, UserMessage("Hi"), usage=Usage(1, 2, 3), thoughts=Thoughts("Politely.", Sentiment.NEUTRAL, 5)
    ),
    Event("c", 3, 2000, 1, ToolCall("call-3", "find", {"b": 1, "a": 2})),
]


def test_ids_usage_thoughts_attempts_and_the_order_of_members_do_not_change_the_digest() -> None:
    again = [
        replace(TALK[1], id="other", usage=None, thoughts=None, flags=()),
        Event("z", 9, 1500, 1, AttemptStarted(2)),
        replace(TALK[2], body=ToolCall("call-3", "find", {"a": 2, "b": 1})),
    ]

    assert transcript_digest(again) == transcript_digest(TALK)


@pytest.mark.parametrize(
    "changed",
    [
        replace(TALK[1], at=1001),
        replace(TALK[1], body=UserMessage("Hi!")),
        replace(TALK[1], body=AgentMessage("Hi")),
        replace(TALK[1], body=UserMessage("Hi", leaves=True)),
    ],
    ids=["when", "what", "who", "that they leave"],
)
def test_what_is_said_by_whom_and_when_changes_the_digest(changed: Event) -> None:
    assert transcript_digest([TALK[0], changed, TALK[2]]) != transcript_digest(TALK)
