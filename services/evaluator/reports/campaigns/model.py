"""Reports on campaigns, as in the contract."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.evaluator.checks.model import Issue
from services.evaluator.reports.model import Rate
from shared.model.campaigns.interactions import Interaction
from shared.model.campaigns.model import Campaign
from shared.model.campaigns.outcomes import Coverage
from shared.model.campaigns.summary import Judged
from shared.model.events import NO_USAGE, Usage

MAX_CONVERSATIONS = 1_000
"""The most conversations of a report."""


class Subject(StrEnum):
    """What a recommendation is about."""

    TIMING = "TIMING"
    CONTENT = "CONTENT"
    BRANCHING = "BRANCHING"
    CONVERSION = "CONVERSION"


@dataclass(frozen=True, slots=True)
class CampaignReportSpec:
    """What is asked for. threshold: the score that must be reached. alpha: 1 minus the confidence of the intervals.

    model: that adds its view; "" for none.
    """

    threshold: int = 0
    alpha: float = 0.05
    model: str = ""


@dataclass(frozen=True, slots=True)
class Simulated:
    """A simulated contact. persona: its display name. entered: Unix milliseconds. rows: of all its campaigns.

    files: the campaigns as YAML or JSON, in the order of `Interaction.campaign`.
    """

    conversation: str
    persona: str
    entered: int
    rows: tuple[Interaction, ...]
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScorePart:
    """A part of the score. points: 0 to 100. detail: what it was computed from."""

    part: str
    points: float
    weight: int
    detail: str


@dataclass(frozen=True, slots=True)
class PersonaFares:
    """How the contacts with a persona fare: their conversion, messages, answered messages and opt-outs."""

    persona: str
    conversion: Rate
    messages: int
    replies: int
    opt_outs: int


@dataclass(frozen=True, slots=True)
class ArmFares:
    """How the contacts of an arm fare. difference: of the rate to that of the first arm; low, high: its interval."""

    arm: str
    conversion: Rate
    difference: float = 0.0
    low: float = 0.0
    high: float = 0.0


@dataclass(frozen=True, slots=True)
class SplitFares:
    """How the arms of a split fare. step: its id."""

    step: str
    arms: tuple[ArmFares, ...]


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What to change. steps: the ids of existing steps. conversation: one that shows it; "" if none does.

    by_model: a model says it, not a rule.
    """

    subject: Subject
    sentence: str
    evidence: str
    steps: tuple[str, ...]
    conversation: str = ""
    by_model: bool = False


@dataclass(frozen=True, slots=True)
class CampaignReport:
    """See CampaignReport of the contract. contacts: with the rows of this campaign only."""

    campaign: Campaign
    spec: CampaignReportSpec
    summary: str
    score: int
    parts: tuple[ScorePart, ...]
    passed: bool
    conversion: Rate
    stated: float
    personas: tuple[PersonaFares, ...]
    splits: tuple[SplitFares, ...]
    issues: tuple[Issue, ...]
    issue_count: int
    recommendations: tuple[Recommendation, ...]
    coverage: Coverage
    expectations: dict[str, Judged]
    contacts: Sequence[Simulated]
    notes: tuple[str, ...] = ()
    name: str = ""
    revision: int = 0
    batch: str = ""
    usage: Usage = NO_USAGE
