"""The results that reports are computed from."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from shared.model.events import NO_USAGE, Usage


class Outcome(StrEnum):
    """What a conversation says about the agent; INVALID: nothing."""

    PASSED = "PASSED"
    FAILED = "FAILED"
    INVALID = "INVALID"


class Found(StrEnum):
    """Whether a conversation meets an expectation."""

    MET = "MET"
    MISSED = "MISSED"
    NOT_APPLICABLE = "NOT_APPLICABLE"


@dataclass(frozen=True, slots=True)
class Expected:
    """The result of an expectation. detail: what was found instead. evidence: the seqs of the events that show it."""

    id: str
    text: str
    outcome: Found
    detail: str = ""
    evidence: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a procedure, such as a STEP or a TOOL, and how often it was reached."""

    kind: str
    part: str
    times: int


@dataclass(frozen=True, slots=True)
class Measures:
    """The measures of a conversation, as in the contract."""

    turns: int = 0
    repeats: int = 0
    tool_calls: int = 0
    tool_errors: int = 0
    virtual_seconds: float = 0.0
    persona_flags: int = 0


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one conversation.

    reason, detail: why it is invalid, or why the agent failed without a missed expectation; "" otherwise.
    source, persona: their names; "" if there is none.
    """

    conversation: str
    index: int
    outcome: Outcome
    reason: str = ""
    detail: str = ""
    expectations: tuple[Expected, ...] = ()
    source: str = ""
    persona: str = ""
    persona_display_name: str = ""
    seed: int = 0
    measures: Measures = field(default_factory=Measures)
    covered: tuple[Part, ...] = ()
    usage: Usage = NO_USAGE
    end_reason: str = ""

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


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A completed evaluation. evaluation: its name. batch: the batch's; "" if none. results: by index."""

    evaluation: str
    batch: str
    results: Sequence[Result]
