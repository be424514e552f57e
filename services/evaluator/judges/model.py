"""Judgements: what is judged and by whom, the replies of models, and the verdicts."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from services.evaluator.evaluations.model import EvaluationSpec
from shared.auth import Caller
from shared.model.events import NO_USAGE, Usage
from shared.model.spending import Budget


@dataclass(frozen=True, slots=True)
class JudgementSpec:
    """What is judged, and by whom; see JudgementSpec of the contract.

    subject: the conversations. rubric, revision: whose content is `criteria`, as YAML.
    """

    subject: EvaluationSpec
    rubric: str
    revision: int
    criteria: str
    models: tuple[str, ...]
    repeats: int
    seed: int = 0
    budget: Budget | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """The body of a judgement's work.

    starter: in whose name conversations are read. judge: equal for equal judges.
    position, within: where the conversations go on that have no result yet: `within` of those at the position have one.
    judged: how many have a result. usage: what the models cost for these, as JSON.
    summary: each criterion over all conversations as JSON, once the judgement is COMPLETED; "" before.
    """

    spec: JudgementSpec
    starter: Caller
    judge: str
    position: str = ""
    within: int = 0
    judged: int = 0
    usage: str = ""
    summary: str = ""

    @property
    def cost(self) -> Usage:
        """What the models cost."""
        return Usage(**json.loads(self.usage)) if self.usage else NO_USAGE

    @property
    def tallies(self) -> tuple["Tally", ...]:
        """Each criterion over all conversations; empty before the judgement is COMPLETED."""
        return tuple(Tally(**one) for one in json.loads(self.summary or "[]"))


class Outcome(StrEnum):
    """Whether there is a verdict."""

    JUDGED = "JUDGED"
    UNDECIDED = "UNDECIDED"
    UNUSABLE = "UNUSABLE"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model replied about a criterion. reason, detail: why it cannot be used, "" if it can."""

    model: str
    repeat: int
    verdict: str = ""
    turns: tuple[int, ...] = ()
    explanation: str = ""
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CriterionVerdict:
    """The verdict of one criterion about a conversation; see CriterionVerdict of the contract."""

    id: str
    outcome: Outcome
    verdict: str = ""
    passed: bool = False
    turns: tuple[int, ...] = ()
    agreement: float = 0.0
    reason: str = ""
    detail: str = ""
    replies: tuple[Reply, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """The verdicts about one conversation."""

    conversation: str
    index: int
    criteria: tuple[CriterionVerdict, ...]


@dataclass(frozen=True, slots=True)
class Tally:
    """A criterion over all conversations. agreement: Krippendorff's alpha of the replies, None where not defined."""

    id: str
    passed: int = 0
    failed: int = 0
    undecided: int = 0
    unusable: int = 0
    agreement: float | None = None


@dataclass(frozen=True, slots=True)
class Label:
    """What a person says about a criterion of a conversation. line: in the file, from 1."""

    line: int
    conversation: str
    criterion: str
    verdict: str


@dataclass(frozen=True, slots=True)
class LabelProblem:
    """Why a label was not used."""

    line: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A label that the judge does not share. turns: what the judge cites."""

    conversation: str
    label: str
    verdict: str
    turns: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class CriterionCalibration:
    """A criterion beside the labels of people that are held back; see CriterionCalibration of the contract.

    passed, found: how many labels pass, and how many of these the judge passes. spared: failures that it fails.
    agreed: on how many labels judge and people agree.
    """

    id: str
    labels: int
    failures: int
    found: int
    spared: int
    agreed: int
    kappa: float | None
    why_uncalibrated: str
    unjudged: int = 0
    open_labels: int = 0
    disagreements: tuple[Disagreement, ...] = ()

    @property
    def passed(self) -> int:
        """How many labels pass by people."""
        return self.labels - self.failures


@dataclass(frozen=True, slots=True)
class Calibration:
    """How far a judge agrees with people; see JudgeCalibration of the contract. create_time: Unix milliseconds."""

    name: str
    judgement: str
    judge: str
    rubric: str
    revision: int
    models: tuple[str, ...]
    repeats: int
    held_back: float
    alpha: float
    criteria: tuple[CriterionCalibration, ...]
    problems: tuple[LabelProblem, ...] = ()
    problem_count: int = 0
    creator: str = ""
    create_time: int = 0


@dataclass(frozen=True, slots=True)
class Turn:
    """An event of a transcript as a judge reads it."""

    seq: int
    who: str
    text: str


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A transcript as a judge reads it. index: in its batch."""

    conversation: str
    index: int
    turns: tuple[Turn, ...] = field(default=())


def pack_result(result: Result) -> bytes:
    """A result as an event."""
    return json.dumps(asdict(result), ensure_ascii=False, separators=(",", ":")).encode()


def unpack_result(event: bytes) -> Result:
    """The inverse of `pack_result`."""
    record: dict[str, Any] = json.loads(event)
    return Result(record["conversation"], record["index"], tuple(map(_verdict, record["criteria"])))


def _verdict(record: dict[str, Any]) -> CriterionVerdict:
    replies = tuple(Reply(**{**one, "turns": tuple(one["turns"])}) for one in record["replies"])
    own = {"outcome": Outcome(record["outcome"]), "turns": tuple(record["turns"]), "replies": replies}
    return CriterionVerdict(**{**record, **own})


def pack_usage(usage: Usage) -> str:
    """What is stored of usage."""
    return json.dumps(asdict(usage))


def pack_tallies(tallies: Sequence[Tally]) -> str:
    """What is stored of the tallies of all criteria."""
    return json.dumps([asdict(one) for one in tallies])
