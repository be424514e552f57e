"""Reports, as in the contract."""

from dataclasses import dataclass
from enum import StrEnum

from shared.model.events import NO_USAGE, Usage
from shared.statistics.until_sure import Rule, Stop

PREFIX = "reports/"


class Verdict(StrEnum):
    """What the numbers say."""

    PASSED = "PASSED"
    BELOW_THRESHOLD = "BELOW_THRESHOLD"
    BETTER = "BETTER"
    AS_GOOD = "AS_GOOD"
    WORSE = "WORSE"
    UNDECIDED = "UNDECIDED"
    INVALID = "INVALID"


@dataclass(frozen=True, slots=True)
class ReportSpec:
    """What a report is computed from, and by which rules; see ReportSpec of the contract. Every default is filled in.

    evaluation, baseline: names of evaluations; baseline is "" for one side. threshold: None if none is set.
    until_sure: the rule by which pairs were played in rounds; None if all were played.
    judgement, baseline_judgement: names of judgements; "" if nobody judged. judge_threshold: None if none is set.
    """

    evaluation: str
    baseline: str = ""
    label: str = "new"
    baseline_label: str = "baseline"
    threshold: float | None = None
    alpha: float = 0.05
    margin: float = 0.1
    most_invalid: float = 0.2
    until_sure: Rule | None = None
    judgement: str = ""
    baseline_judgement: str = ""
    judge_threshold: float | None = None


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate with its interval; low and high are its ends, 0 to 1."""

    successes: int
    total: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """The rate, 0 to 1; 0 out of none."""
        return self.successes / self.total if self.total else 0.0


@dataclass(frozen=True, slots=True)
class Count:
    """How often something was."""

    what: str
    times: int


@dataclass(frozen=True, slots=True)
class PassK:
    """The chance that k attempts at one task all pass, over so many tasks."""

    k: int
    value: float
    tasks: int


@dataclass(frozen=True, slots=True)
class MeanMeasure:
    """The mean of a measure over valid conversations."""

    measure: str
    mean: float


@dataclass(frozen=True, slots=True)
class Side:
    """One side: its success over valid conversations, and what else there is to know of it."""

    label: str
    evaluation: str
    batch: str
    success: Rate
    invalid: int
    invalid_reasons: tuple[Count, ...] = ()
    pass_k: tuple[PassK, ...] = ()
    usage: Usage = NO_USAGE
    means: tuple[MeanMeasure, ...] = ()
    end_reasons: tuple[Count, ...] = ()

    @property
    def quality(self) -> float | None:
        """The mean quality of valid conversations, 0 to 100; None if none was measured."""
        return next((one.mean for one in self.means if one.measure == "quality"), None)


@dataclass(frozen=True, slots=True)
class Pair:
    """Conversations of both sides that belong together."""

    conversation: str
    baseline: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two sides differ over pairs; difference is new minus baseline, low and high are the ends of its interval."""

    pairs: int
    gained: int
    lost: int
    difference: float
    low: float
    high: float
    p: float
    paired_by: str
    lost_pairs: tuple[Pair, ...] = ()


@dataclass(frozen=True, slots=True)
class ExpectationSummary:
    """How often an expectation is met. p: corrected for their number; 1 with one side. difference: over pairs."""

    id: str
    text: str
    met: Rate
    baseline_met: Rate | None = None
    p: float = 1.0
    difference: float = 0.0


@dataclass(frozen=True, slots=True)
class CorrectedRate:
    """A rate corrected for the errors of a judge, 0 to 1; low and high are the ends of its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class CriterionRate:
    """How many conversations of a side pass a criterion. corrected: None where the judge's errors are not known."""

    judged: Rate
    corrected: CorrectedRate | None = None
    without_verdict: int = 0


@dataclass(frozen=True, slots=True)
class CriterionSummary:
    """What a judge says of a criterion; see CriterionSummary of the contract.

    why_uncalibrated: "" if the criterion may fail the run. fails: the verdict that it leads to; None if it does not
    fail the run.
    """

    id: str
    question: str
    rate: CriterionRate
    baseline_rate: CriterionRate | None = None
    calibration: str = ""
    why_uncalibrated: str = ""
    p: float = 1.0
    difference: float = 0.0
    fails: Verdict | None = None


@dataclass(frozen=True, slots=True)
class PersonaSummary:
    """How conversations with a persona fare. p: corrected for the number of personas; 1 with one side."""

    persona: str
    display_name: str
    success: Rate
    baseline_success: Rate | None = None
    p: float = 1.0


@dataclass(frozen=True, slots=True)
class Covered:
    """A part of a procedure, and how often the judged side reached it. kind: such as STEP."""

    kind: str
    part: str
    times: int


@dataclass(frozen=True, slots=True)
class Example:
    """A conversation that shows what failed. expectation: its id, "" if the agent failed without one."""

    conversation: str
    baseline: str
    expectation: str
    detail: str
    evidence: tuple[int, ...]
    persona: str
    source: str


@dataclass(frozen=True, slots=True)
class Cell:
    """How often a persona's conversations meet an expectation, out of how often it applies."""

    persona: str
    expectation: str
    met: int
    applies: int


@dataclass(frozen=True, slots=True)
class Report:
    """A verdict with its evidence. sides: the judged one, then the baseline. create_time: Unix milliseconds.

    stop: how playing pairs until it was sure ended; None without, and if pairs are missing.
    """

    spec: ReportSpec
    verdict: Verdict
    headline: str
    sides: tuple[Side, ...]
    name: str = ""
    more_conversations: int = 0
    comparison: Comparison | None = None
    expectations: tuple[ExpectationSummary, ...] = ()
    personas: tuple[PersonaSummary, ...] = ()
    coverage: tuple[Covered, ...] = ()
    examples: tuple[Example, ...] = ()
    notes: tuple[str, ...] = ()
    cells: tuple[Cell, ...] = ()
    stop: Stop | None = None
    criteria: tuple[CriterionSummary, ...] = ()
    create_time: int = 0
    creator: str = ""

    @property
    def judged(self) -> Side:
        """The side that is judged."""
        return self.sides[0]

    @property
    def baseline(self) -> Side | None:
        """The side that it is compared with; None if there is none."""
        return self.sides[1] if len(self.sides) > 1 else None
