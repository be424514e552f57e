"""What simulations of the same campaigns show together: edges taken, goals reached, expectations met."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.model.campaigns.interactions import Interaction
from shared.model.campaigns.model import Campaign
from shared.model.campaigns.outcomes import Coverage, Finding, findings, goals


@dataclass
class Judged:
    """How often an expectation was met. missed: the first conversation that missed it, and what happened, or None."""

    met: int = 0
    missed_by: int = 0
    missed: tuple[str, Finding] | None = None


@dataclass
class CampaignSummary:
    """What all conversations show of one campaign. failed: interactions that are errors of the campaign, by step."""

    campaign: Campaign
    number: int
    coverage: Coverage
    contacts: int = 0
    converted: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    expectations: dict[str, Judged] = field(default_factory=dict)

    def add(self, rows: Sequence[Interaction], entered: int, persona: str, conversation: str) -> None:
        """Count one conversation. persona: its display name. conversation: its name."""
        self.contacts += 1
        self.converted += bool(goals(self.number, rows))
        self.coverage.add(self.number, rows, persona, conversation)
        self.failed.update(row.step for row in rows if row.campaign == self.number and not row.passed)
        for finding in findings(self.campaign, self.number, rows, entered, persona):
            judged = self.expectations.setdefault(finding.expectation, Judged())
            if finding.met:
                judged.met += 1
            else:
                judged.missed_by += 1
                judged.missed = judged.missed or (conversation, finding)


def summaries(campaigns: Sequence[Campaign]) -> list[CampaignSummary]:
    """Empty summaries of campaigns."""
    return [CampaignSummary(one, number, Coverage(one)) for number, one in enumerate(campaigns)]
