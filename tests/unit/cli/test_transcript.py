"""Transcripts as people read them."""

from io import StringIO

import pytest
from google.protobuf.json_format import ParseDict
from rich.console import Console

from cli.kit.transcript import line
from greenroom.type.v1.event_pb2 import Event


def shown(event: dict[str, object], width: int = 80) -> str:
    out = Console(file=StringIO(), width=width, color_system=None)
    rendered = line(ParseDict(event, Event()))
    if rendered is not None:
        out.print(rendered)
    text: str = out.file.getvalue()  # type: ignore[attr-defined]
    return "\n".join(one.rstrip() for one in text.splitlines())


@pytest.mark.parametrize(
    ("event", "text"),
    [
        ({"user_message": {"text": "Where is [my] coat?"}}, "user   Where is [my] coat?"),
        ({"user_message": {"silent": True}}, "user   (says nothing)"),
        ({"user_message": {"text": "Bye.", "leaves": True}}, "user   Bye. (leaves)"),
        (
            {
                "user_message": {"text": "No."},
                "thoughts": {"reasoning": "It is [late].", "sentiment": "SENTIMENT_NEGATIVE", "likely_to_convert": 5},
                "persona_flags": ["PERSONA_FLAG_LEAKS_BRIEF", "PERSONA_FLAG_REPEATS_ITSELF"],
            },
            "user   No.\n         (negative, 5% likely: It is [late].)\n         flagged: leaks brief, repeats itself",
        ),
        ({"agent_message": {"text": "Here."}}, "agent  Here."),
        (
            {"tool_call": {"tool": "refund", "arguments": {"id": "7", "amount": 40, "rate": 0.5}}},
            '         → refund(amount=40, id="7", rate=0.5)',
        ),
        ({"tool_result": {"answer": {"value": {"ok": [1, None]}}}}, '         ← {"ok": [1, null]}'),
        ({"tool_result": {"answer": {"error": {"code": "NO", "message": "Not so."}}}}, "         ← NO: Not so."),
        ({"waited": {"until": "2026-01-05T10:30:00Z"}}, "         waited until Mon 10:30"),
        ({"attempt_started": {"attempt": 1}}, ""),
        ({"attempt_started": {"attempt": 2}}, "— attempt 2 —"),
        ({"opened": {}}, ""),
        (
            {"turn": 1, "ended": {"outcome": "OUTCOME_COMPLETED", "reason": "USER_LEFT"}},
            "completed after 1 turn: USER_LEFT",
        ),
        (
            {
                "turn": 3,
                "ended": {"outcome": "OUTCOME_FAILED", "reason": "X", "fault": "FAULT_TOOL_MOCK", "detail": "No mock."},
            },
            "failed after 3 turns: X (tool mock), No mock.",
        ),
    ],
)
def test_an_event_is_shown(event: dict[str, object], text: str) -> None:
    assert shown(event) == text


def test_a_long_message_is_indented_beside_its_speaker() -> None:
    assert shown({"agent_message": {"text": "one two three four"}}, width=20) == "agent  one two three\n       four"
