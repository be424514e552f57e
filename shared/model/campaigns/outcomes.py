"""What the rows of a contact show: whether expectations are met, and which edges were taken."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from shared.model.campaigns.expectations import AtMost, GoalExpected, NothingAfterStop, write_expectation
from shared.model.campaigns.interactions import Interaction, Status
from shared.model.campaigns.model import Campaign, Edge, Goal
from shared.model.campaigns.times import write_duration


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether an expectation is met. actual: what happened. seq: the row that shows it; 0 if none does."""

    expectation: str
    met: bool
    actual: str
    seq: int = 0


def findings(
    campaign: Campaign, number: int, rows: Sequence[Interaction], entered: int, persona: str
) -> Iterator[Finding]:
    """One finding for each expectation of a campaign that concerns the persona.

    number: the campaign's position among those of the contact. persona: its display name or id.
    """
    for expectation in campaign.expectations:
        sentence = write_expectation(expectation)
        match expectation:
            case GoalExpected(within, goal, expected_of):
                if not expected_of or _same(expected_of, persona):
                    yield _reaches(number, rows, entered, within, goal, sentence)
            case AtMost(messages, within, channel):
                yield _at_most(rows, messages, within, channel, sentence)
            case NothingAfterStop():
                wrong = next((row for row in rows if row.campaign == number and _after_stop(row)), None)
                actual = "Nothing followed an opt-out." if wrong is None else wrong.actual
                yield Finding(sentence, wrong is None, actual, 0 if wrong is None else wrong.seq)


def goals(number: int, rows: Iterable[Interaction]) -> list[Interaction]:
    """The rows in which the contact reached a goal of a campaign. number: its position among those of the contact."""
    return [row for row in rows if row.campaign == number and row.type == Goal.kind]


@dataclass
class Coverage:
    """How often each edge of a campaign was taken, by whom, and in which conversation first.

    times: by edge and persona. shown: by edge, what the caller named the first conversation that took it.
    """

    campaign: Campaign
    times: dict[Edge, Counter[str]] = field(default_factory=dict)
    shown: dict[Edge, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.times = {edge: Counter() for step in self.campaign.steps for edge in step.edges}

    def add(self, number: int, rows: Iterable[Interaction], persona: str, conversation: str) -> None:
        """Count the edges that a contact took. number: the campaign's position among those of the contact."""
        for row in rows:
            edge = Edge(row.step, row.branch, row.target)
            if row.campaign == number and row.branch and edge in self.times:
                self.times[edge][persona] += 1
                self.shown.setdefault(edge, conversation)

    @property
    def taken(self) -> Mapping[Edge, int]:
        """How often each edge was taken."""
        return {edge: times.total() for edge, times in self.times.items()}

    @property
    def missing(self) -> Sequence[Edge]:
        """The edges that nobody took."""
        return [edge for edge, times in self.times.items() if not times]


def _reaches(number: int, rows: Sequence[Interaction], entered: int, within: int, goal: str, sentence: str) -> Finding:
    reached = [row for row in goals(number, rows) if goal in ("", row.step)]
    if not reached:
        return Finding(sentence, False, "The goal was not reached.")
    took = (reached[0].at - entered) // 1000
    return Finding(sentence, took <= within, f"It was reached after {write_duration(took)}.", reached[0].seq)


def _at_most(rows: Sequence[Interaction], messages: int, within: int, channel: str, sentence: str) -> Finding:
    sent = [row for row in rows if row.status is Status.SENT and channel in ("", row.channel)]
    for first, row in zip(sent, sent[messages:], strict=False):
        if row.at - first.at < within * 1000:
            actual = f"There were {messages + 1} within {write_duration((row.at - first.at) // 1000)}."
            return Finding(sentence, False, actual, row.seq)
    return Finding(sentence, True, "There were never more.")


def _after_stop(row: Interaction) -> bool:
    return row.status is Status.SENT and not row.passed


def _same(one: str, other: str) -> bool:
    return one.casefold().replace("_", " ").replace("-", " ") == other.casefold().replace("_", " ").replace("-", " ")
