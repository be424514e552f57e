"""The score of one conversation, read from a line of an export."""

import json
from dataclasses import replace
from typing import Any

import pytest

from services.evaluator.quality import quality
from services.evaluator.scores.defaults import expected_of
from services.evaluator.scores.model import Measures, Outcome, Score, read_score, score_json
from services.evaluator.scores.procedure import ProcedureParts
from services.evaluator.scores.scoring import score, score_key
from services.evaluator.scores.transcript import Transcript
from shared.model.events import Fault
from shared.model.expectations import Change, Judgement, MadeCall, read_expectations

EVENTS: list[dict[str, Any]] = [
    {"opened": {"resources": [{"type": "order", "id": "o-1", "data": {"status": "sent", "price": 20.0}}]}},
    {"copied": True, "agent_message": {"text": "Hello. How can I help you?"}},
    {"copied": True, "user_message": {"text": "My order o-1 is broken."}},
    {"copied": True, "tool_call": {"call_id": "a", "tool": "greet"}},
    {
        "copied": True,
        "tool_result": {
            "call_id": "a",
            "tool": "greet",
            "answer": {
                "value": None,
                "patches": [
                    {"type": "order", "id": "o-1", "merge": {"seen": True}},
                    {"type": "ticket", "id": "t", "merge": {"open": True}},
                ],
            },
        },
    },
    {"attempt_started": {"attempt": 1}},
    {"agent_message": {"text": "Hello. How can I help you?"}, "steps": [0]},
    {"turn": 1, "user_message": {"text": "Refund it."}},
    {"turn": 1, "tool_call": {"call_id": "b", "tool": "refund", "arguments": {"id": "o-1"}}, "steps": [1, 2]},
    {
        "turn": 1,
        "tool_result": {
            "call_id": "b",
            "tool": "refund",
            "answer": {
                "value": {"status": "ok"},
                "patches": [
                    {"type": "order", "id": "o-1", "merge": {"status": "refunded", "price": 20.0}},
                    {"type": "ticket", "id": "t", "merge": {"open": True}},
                    {"type": "note", "id": "n", "merge": {"text": "x"}},
                    {"type": "note", "id": "n", "delete": True},
                    {"type": "user", "id": "of a shared set", "merge": {"cards": {}}},
                ],
            },
        },
    },
    {"turn": 1, "tool_call": {"call_id": "b", "tool": "mail"}, "steps": [3]},
    {"turn": 1, "tool_result": {"call_id": "b", "tool": "mail", "answer": {"error": {"code": "NO_ADDRESS"}}}},
    {"turn": 2, "user_message": {"silent": True}},
    {
        "turn": 2,
        "ended": {"outcome": "OUTCOME_COMPLETED", "reason": "AGENT_ENDED"},
        "virtual_time": "2026-01-05T09:02:00.500Z",
    },
]
REVISION = {
    "steps": [
        {"say": {"text": "Hello."}},
        {"id": "sure", "branch": {"condition": "true", "then": "refund", "otherwise": ""}},
        {"id": "refund", "call": {"tool": "refund"}},
        {"call": {"tool": "mail"}},
        {"end": {}},
    ],
    "tools": [{"name": "refund", "arguments_schema": {"properties": {"id": {}}}}, {"name": "mail"}, {"name": "cancel"}],
    "expectations": [{"id": "refunded", "called": {"tool": "refund"}}],
}


def line(events: list[dict[str, Any]] = EVENTS, ended: dict[str, Any] | None = None, **changed: Any) -> bytes:
    """The line of a conversation with these events."""
    times = {"virtual_time": "2026-01-05T09:00:00Z"}
    conversation = {
        "name": "conversations/c",
        "index": 3,
        "turns": 2,
        "seed": "7",
        "attempt": 1,
        "repeated_agent_messages": 1,
        "spec": {
            "type": "CONVERSATION_TYPE_SYNTHETIC",
            "procedure": "procedures/p",
            "revision": 2,
            "source": "sources/s",
            "persona": "personas/x",
            "seed": "7",
        },
        "persona": {"name": "personas/x", "display_name": "Xenia"},
        "usage": {"model_calls": "3", "input_tokens": "100", "output_tokens": "20"},
        "ended": ended or events[-1]["ended"],
        "digest": "d",
        **changed,
    }
    numbered = [{"seq": str(seq), **times, **event} for seq, event in enumerate(events, 1)]
    return json.dumps({"conversation": conversation, "events": numbered}).encode()


def scored(written: bytes, spec: list[dict[str, Any]] | None = None, **options: Any) -> Score:
    transcript, procedure = Transcript.read(written), ProcedureParts.read(REVISION)
    return score(transcript, expected_of(transcript, procedure, read_expectations(spec or []), **options), procedure)


def test_a_transcript_is_what_the_agent_did_and_what_tools_changed() -> None:
    seen = Transcript.read(line()).seen

    assert seen.calls == [
        MadeCall(9, "refund", {"id": "o-1"}, {"status": "ok"}, None, 10),
        MadeCall(11, "mail", {}, None, "NO_ADDRESS", 12),
    ]
    assert seen.said == [(7, "Hello. How can I help you?")]
    assert seen.heard == ["My order o-1 is broken.", "Refund it."]
    assert seen.exchanges == [(["Hello. How can I help you?"], ["Refund it."])]
    # What copied events changed was there before. A value that is set again is no change, nor is what came and went.
    before = {"status": "sent", "price": 20.0, "seen": True}
    assert seen.changes == {("order", "o-1"): Change(before, {**before, "status": "refunded"}, (10,))}
    assert seen.repeat_seqs == (7,)
    assert (seen.tokens, seen.virtual_seconds, seen.last_seq) == (120, 120.5, 14)


def test_a_conversation_that_meets_everything_has_passed() -> None:
    found = scored(line())

    assert (found.outcome, found.conversation, found.index, found.seed) == (Outcome.PASSED, "conversations/c", 3, 7)
    assert [(one.id, one.outcome) for one in found.expectations] == [
        ("completed", Judgement.MET),
        ("end", Judgement.MET),
        ("again", Judgement.MET),
        ("refunded", Judgement.MET),
    ]
    assert found.measures == Measures(2, 1, 2, 1, 120.5, 0)
    assert (found.source, found.persona, found.persona_display_name) == ("sources/s", "personas/x", "Xenia")
    measured = replace(found, quality=quality(Transcript.read(line()).talk))
    assert read_score(json.loads(json.dumps(score_json(measured)))) == measured
    before = {name: value for name, value in score_json(found).items() if name != "quality"}
    assert read_score(json.loads(json.dumps(before))) == found  # a result that is older than the quality


def test_the_coverage_has_steps_branches_tools_errors_and_what_was_never_reached() -> None:
    covered = [(one.kind, one.part, one.times) for one in scored(line()).covered]

    assert covered == [
        ("STEP", "0", 1),
        ("STEP", "1 sure", 1),
        ("STEP", "2 refund", 1),
        ("STEP", "3", 1),
        ("STEP", "4", 0),
        ("BRANCH", "1 sure then", 1),
        ("BRANCH", "1 sure otherwise", 0),
        ("TOOL", "refund", 1),
        ("TOOL", "mail", 1),
        ("TOOL", "cancel", 0),
        ("TOOL_ERROR", "mail NO_ADDRESS", 1),
        ("CELL", "personas/x sources/s PASSED", 1),
    ]


def test_of_an_agent_that_tells_no_steps_those_that_call_tools_are_covered() -> None:
    other = [{name: value for name, value in event.items() if name != "steps"} for event in EVENTS]
    steps = {one.part: one.times for one in scored(line(other)).covered if one.kind == "STEP"}
    assert steps == {"0": 0, "1 sure": 0, "2 refund": 1, "3": 1, "4": 0}


def test_an_agent_that_misses_an_expectation_or_fails_has_failed() -> None:
    missed = scored(line(), [{"id": "mailed", "called": {"tool": "mail", "succeeds": True}}])
    assert (missed.outcome, missed.reason) == (Outcome.FAILED, "")
    assert missed.expectations[-1].detail == "The agent called mail, but the tool answered NO_ADDRESS."

    ended = {"outcome": "OUTCOME_FAILED", "reason": "AGENT_TIMEOUT", "detail": "It was slow.", "fault": "FAULT_AGENT"}
    failed = scored(line(ended=ended), without_defaults=True)
    assert (failed.outcome, failed.reason, failed.detail) == (Outcome.FAILED, "AGENT_TIMEOUT", "It was slow.")
    assert failed.fault is Fault.AGENT


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"ended": {"outcome": "OUTCOME_FAILED", "reason": "DISK_FULL", "fault": "FAULT_INFRASTRUCTURE"}}, "DISK_FULL"),
        ({"ended": {"outcome": "OUTCOME_FAILED", "reason": "NO_MOCK", "fault": "FAULT_TOOL_MOCK"}}, "NO_MOCK"),
        ({"ended": {"outcome": "OUTCOME_FAILED", "reason": "MUTE", "fault": "FAULT_PERSONA_MODEL"}}, "MUTE"),
        ({"ended": {"outcome": "OUTCOME_CANCELLED", "reason": "CANCELLED"}}, "CANCELLED"),
        ({"persona_flags": 1}, "WRONG_LANGUAGE"),
    ],
)
def test_a_conversation_that_says_nothing_about_the_agent_is_invalid_and_no_expectation_applies(
    changed: dict[str, Any], reason: str
) -> None:
    flagged = [*EVENTS[:-1], {**EVENTS[-1], "persona_flags": ["PERSONA_FLAG_WRONG_LANGUAGE"]}]
    found = scored(line(flagged if "persona_flags" in changed else EVENTS, **changed))

    assert (found.outcome, found.reason) == (Outcome.INVALID, reason)
    assert {one.outcome for one in found.expectations} == {Judgement.NOT_APPLICABLE}


def test_a_persona_that_only_repeats_itself_leaves_a_conversation_valid() -> None:
    flagged = [*EVENTS[:-1], {**EVENTS[-1], "persona_flags": ["PERSONA_FLAG_REPEATS_ITSELF"]}]
    assert scored(line(flagged, persona_flags=1)).outcome is Outcome.PASSED


def test_an_agent_that_asks_the_same_question_again_and_again_fails() -> None:
    asked = [{"agent_message": {"text": f"What is your order number{'?' * (number % 3)}"}} for number in range(17)]
    found = scored(line([*asked, EVENTS[-1]], repeated_agent_messages=16))

    [again] = [one for one in found.expectations if one.id == "again"]
    assert (found.outcome, again.outcome) == (Outcome.FAILED, Judgement.MISSED)
    assert (again.detail, again.evidence) == ("There are 16 repeated messages of the agent.", tuple(range(2, 18)))


def test_later_expectations_replace_those_with_the_same_id() -> None:
    persona = {
        "expectations": [{"id": "refunded", "not_called": {"tool": "refund"}}],
        "expected_calls": [{"tool": "mail"}, {"tool": "refund", "arguments": {"id": "o-1"}}],
    }
    written = line(persona=persona)

    def ids(spec: list[dict[str, Any]], **options: Any) -> dict[str, str]:
        return {one.id: one.outcome.value for one in scored(written, spec, **options).expectations}

    defaults = {"completed": "MET", "end": "MET", "again": "MET"}
    assert ids([]) == {**defaults, "refunded": "MISSED", "expected-calls": "MET"}
    own = [{"id": "refunded", "called": {"tool": "refund"}}, {"id": "end", "ends": {"reasons": ["USER_LEFT"]}}]
    assert ids(own) == {**defaults, "end": "MISSED", "refunded": "MET", "expected-calls": "MET"}
    assert ids(own, only_these=True) == {**defaults, "end": "MISSED", "refunded": "MET"}
    assert ids(own, only_these=True, without_defaults=True) == {"refunded": "MET", "end": "MISSED"}


def test_calls_of_a_task_with_other_tools_are_not_expected() -> None:
    found = scored(line(persona={"expected_calls": [{"tool": "book_flight"}]}))
    assert "expected-calls" not in {one.id for one in found.expectations}


def test_a_source_in_a_file_is_expected_only_not_to_repeat_itself() -> None:
    asked = [{"agent_message": {"text": "What is your name?"}}, {"user_message": {"text": "Ann"}}] * 4
    written = json.dumps({"external_id": "chat-1", "finished": True, "events": asked}).encode()
    transcript = Transcript.read(written)
    found = score(transcript, expected_of(transcript, None))

    assert (transcript.external_id, found.outcome, found.measures.repeats) == ("chat-1", Outcome.FAILED, 3)
    [again] = found.expectations
    assert (again.id, again.outcome, again.evidence) == ("again", Judgement.MISSED, (3, 5, 7))


def test_equal_conversations_have_equal_keys_and_whatever_changes_a_score_changes_the_key() -> None:
    expected = read_expectations([{"id": "a", "told": {"value": "5"}}])
    transcript = Transcript.read(line())
    key = score_key(transcript, expected)

    assert score_key(Transcript.read(line(name="conversations/other", index=9)), expected) == key
    others = [
        replace(transcript, digest="e"),
        replace(transcript, fault=Fault.AGENT),
        replace(transcript, attempt=2),
        replace(transcript, persona="personas/y"),
    ]
    keys = {key, *(score_key(one, expected) for one in others)}
    keys.add(score_key(transcript, read_expectations([{"id": "a", "told": {"value": "6"}}])))
    assert len(keys) == 6
