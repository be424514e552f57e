"""What is expected of every conversation, and which expectations apply to one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from services.evaluator.scores.procedure import ProcedureParts
from services.evaluator.scores.transcript import Transcript
from shared.model.expectations import Expectation, Finding, Kind, Seen, read_expectations
from shared.model.expectations.base import met, missed
from shared.model.expectations.matching import assigned
from shared.model.expectations.tool_call import ExpectedToolCall


@dataclass(frozen=True, slots=True)
class Completed(Kind):
    """The conversation neither fails nor is cancelled."""

    kind: ClassVar[str] = "completed"

    @classmethod
    def read(cls, record: Any) -> "Completed":  # noqa: ARG003 - it has no content
        return cls()

    @property
    def subject(self) -> str:
        return ""

    @property
    def text(self) -> str:
        return "The conversation completes."

    def judge(self, seen: Seen) -> Finding:
        if seen.outcome == "COMPLETED":
            return met(seen.last_seq)
        return missed(f"It ended {seen.outcome} with {seen.reason}.", (seen.last_seq,))


@dataclass(frozen=True, slots=True)
class ComesToEnd(Kind):
    """The conversation ends before the persona's last turn."""

    kind: ClassVar[str] = "end"

    @classmethod
    def read(cls, record: Any) -> "ComesToEnd":  # noqa: ARG003 - it has no content
        return cls()

    @property
    def subject(self) -> str:
        return ""

    @property
    def text(self) -> str:
        return "The conversation comes to an end before its last turn."

    def judge(self, seen: Seen) -> Finding:
        if seen.reason != "MAX_TURNS":
            return met(seen.last_seq)
        return missed(f"It was still going on after {seen.turns} turns.", (seen.last_seq,))


@dataclass(frozen=True, slots=True)
class AllCalled(Kind):
    """The agent makes all of these calls, in any order and besides others: a persona's expected calls."""

    kind: ClassVar[str] = "expected-calls"

    calls: tuple[ExpectedToolCall, ...]

    @classmethod
    def read(cls, record: Sequence[Mapping[str, Any]]) -> "AllCalled":
        return cls(tuple(map(ExpectedToolCall.read, record)))

    @property
    def subject(self) -> str:
        return ""

    @property
    def text(self) -> str:
        return "The agent makes all calls that the persona's task needs."

    def judge(self, seen: Seen) -> Finding:
        pairs = assigned(self.calls, seen.calls, ExpectedToolCall.fits)
        used = {*pairs.values()}
        for number, call in enumerate(self.calls):
            if number not in pairs:
                others = [made for place, made in enumerate(seen.calls) if place not in used]
                detail, evidence = call.found_instead(others)
                return missed(detail, evidence or (seen.last_seq,))
        return met(*(seen.calls[place].seq for place in used))


_AGAIN, *_ = read_expectations(
    [
        {
            "id": "again",
            "text": "The agent says at most two things again.",
            "bound": {"measure": "MEASURE_REPEATS", "at_most": 2},
        }
    ]
)
"""Of human agents, none of 500 in abcd and none of 300 in MultiWOZ say more than two things again. In STAR, whose
wizards choose ready replies, 23 of 450 do, for example in quizzes."""
_DEFAULTS = (
    Expectation.of("completed", Completed(), {}),
    Expectation.of("end", ComesToEnd(), {}),
    _AGAIN,
)


def expected_of(
    transcript: Transcript,
    procedure: ProcedureParts | None,
    spec: Sequence[Expectation] = (),
    *,
    without_defaults: bool = False,
    only_these: bool = False,
) -> tuple[Expectation, ...]:
    """The expectations that a conversation is held to; one with the id of an earlier one replaces it.

    First the defaults, then the procedure's, the persona's and the spec's.
    """
    found: dict[str, Expectation] = {}
    if not without_defaults:
        found |= {one.id: one for one in (_DEFAULTS if transcript.synthetic else (_AGAIN,))}
    if not only_these:
        found |= {one.id: one for one in (procedure.expectations if procedure else ())}
        found |= {one.id: one for one in _of_persona(transcript, procedure)}
    found |= {one.id: one for one in spec}
    return tuple(found.values())


def _of_persona(transcript: Transcript, procedure: ProcedureParts | None) -> tuple[Expectation, ...]:
    own = read_expectations(transcript.persona_expectations)
    calls = transcript.expected_calls
    tools = procedure.tools if procedure else None
    # A task of another domain can still be played with this procedure; its calls cannot be made then.
    if not calls or (tools is not None and not all(call["tool"] in tools for call in calls)):
        return own
    kind = AllCalled.read(calls)
    return (Expectation.of(kind.kind, kind, {"expected_calls": list(calls)}), *own)
