"""The score of one conversation, as in the contract's EvaluationResult, and its stored form."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from operator import attrgetter
from typing import Any

from services.evaluator.quality.model import Quality, quality_json, read_quality
from shared.model.events import NO_USAGE, Fault, Json, Usage
from shared.model.expectations import Judgement

SCORERS = "2"
"""The version of the scorers. It changes whenever any score may change; scores of other versions are never reused."""


class Outcome(StrEnum):
    """What a conversation says about the agent; INVALID: nothing."""

    PASSED = "PASSED"
    FAILED = "FAILED"
    INVALID = "INVALID"


@dataclass(frozen=True, slots=True)
class Expected:
    """The result of an expectation. detail: what was found instead. evidence: the seqs of the events that show it."""

    id: str
    text: str
    outcome: Judgement
    detail: str = ""
    evidence: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a procedure, such as a STEP or a TOOL, and how often the conversation reached it."""

    kind: str
    part: str
    times: int


@dataclass(frozen=True, slots=True)
class Measures:
    """The measures of a conversation. persona_flags: of its persona's replies."""

    turns: int = 0
    repeats: int = 0
    tool_calls: int = 0
    tool_errors: int = 0
    virtual_seconds: float = 0.0
    persona_flags: int = 0


@dataclass(frozen=True, slots=True)
class Score:
    """The score of one conversation.

    conversation: `conversations/…` or `sources/…`. index: in the batch.
    reason, detail: why it is invalid, or why the agent failed without a missed expectation; "" otherwise.
    fault: who is to blame if the conversation failed. digest: of the transcript.
    source, persona, procedure: their names; "" if there is none. revision: 0 if there is none.
    quality: None if it was not measured, as before version 2 of the scorers.
    """

    conversation: str
    index: int
    outcome: Outcome
    reason: str = ""
    detail: str = ""
    fault: Fault | None = None
    expectations: tuple[Expected, ...] = ()
    source: str = ""
    persona: str = ""
    persona_display_name: str = ""
    procedure: str = ""
    revision: int = 0
    seed: int = 0
    measures: Measures = field(default_factory=Measures)
    covered: tuple[Part, ...] = ()
    digest: str = ""
    usage: Usage = NO_USAGE
    end_reason: str = ""
    quality: Quality | None = None

    @property
    def valid(self) -> bool:
        """True if it says something about the agent."""
        return self.outcome is not Outcome.INVALID

    @property
    def passed(self) -> bool:
        """True if the agent met everything."""
        return self.outcome is Outcome.PASSED

    @property
    def task(self) -> tuple[str, str]:
        """(source, persona): what attempts at the same task have in common. An imported source is its own source."""
        return self.source or (self.conversation if self.conversation.startswith("sources/") else ""), self.persona


_PLAIN = (
    *("conversation", "index", "outcome", "reason", "detail", "fault", "source", "persona", "persona_display_name"),
    *("procedure", "revision", "seed", "digest", "end_reason"),
)
"""The fields that JSON has as they are."""
_plain = attrgetter(*_PLAIN)
_expected = attrgetter(*(member.name for member in fields(Expected)))
_part = attrgetter(*(member.name for member in fields(Part)))
_measures = attrgetter(*(member.name for member in fields(Measures)))
_usage = attrgetter(*(member.name for member in fields(Usage)))


def score_json(score: Score) -> dict[str, Json]:
    """The score as a JSON object, as it is stored: nested values are lists in the order of their fields."""
    return {
        **dict(zip(_PLAIN, _plain(score), strict=True)),
        "expectations": [*map(_expected, score.expectations)],
        "measures": _measures(score.measures),
        "covered": [*map(_part, score.covered)],
        "usage": _usage(score.usage),
        "quality": None if score.quality is None else quality_json(score.quality),
    }


def read_score(record: Mapping[str, Any]) -> Score:
    """The inverse of `score_json`."""
    plain = {name: record[name] for name in _PLAIN}
    return Score(
        **plain
        | {
            "outcome": Outcome(record["outcome"]),
            "fault": record["fault"] and Fault(record["fault"]),
            "expectations": tuple(
                Expected(name, text, Judgement(outcome), detail, tuple(evidence))
                for name, text, outcome, detail, evidence in record["expectations"]
            ),
            "measures": Measures(*record["measures"]),
            "covered": tuple(Part(*part) for part in record["covered"]),
            "usage": Usage(*record["usage"]),
            "quality": read_quality(quality) if (quality := record.get("quality")) else None,
        }
    )
