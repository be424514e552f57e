"""Checks of stored and inline campaigns."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from services.evaluator.checks.check import Checked, check_file
from services.evaluator.checks.model import Issue
from services.evaluator.checks.reviews.model import NO_REVIEW, Review
from shared.auth import Caller
from shared.compute import Compute
from shared.model.campaigns.model import Campaign
from shared.model.campaigns.reading import read_campaign
from shared.model.events import Json

ReadStored = Callable[[Caller, str, int], Awaitable[tuple[int, bytes]]]
"""(caller, `campaigns/{campaign}`, revision or 0) → the revision's number and its YAML.

Raises what the synthesizer says, and PeerUnavailable.
"""


class ReviewsCampaigns(Protocol):
    """Asks models what they think of campaigns."""

    async def check(self, model: str) -> None:
        """Raises InvalidArgument for a model that cannot be asked."""

    async def of(self, starter: Caller, model: str, campaign: Campaign, facts: Mapping[str, Json]) -> Review:
        """The model's view. facts: what is known of the campaign besides itself."""


def issue_facts(issues: Sequence[Issue]) -> list[Json]:
    """Issues as a model is told of them."""
    return [{"type": issue.type, "step": issue.step, "said": issue.sentence} for issue in issues]


class CampaignChecks:
    """Checks campaigns in other processes."""

    def __init__(self, compute: Compute, stored: ReadStored, reviews: ReviewsCampaigns) -> None:
        self._compute = compute
        self._stored = stored
        self._reviews = reviews

    async def of_file(self, caller: Caller, content: bytes, file: str, model: str) -> tuple[Checked, Review]:
        """Check a file. model: that adds its view; "" for none.

        Raises BadYaml, CampaignInvalid, and InvalidArgument for a model that cannot be asked.
        """
        if model:
            await self._reviews.check(model)
        file = file or "campaign.yaml"
        checked = await self._compute.run(check_file, content, file, reads=len(content))
        if not model:
            return checked, NO_REVIEW
        campaign = await self._compute.run(read_campaign, content, file, reads=len(content))
        facts = {"issues_by_rules": issue_facts(checked.issues)}
        return checked, await self._reviews.of(caller, model, campaign, facts)

    async def of_stored(self, caller: Caller, name: str, revision: int, model: str) -> tuple[int, Checked, Review]:
        """Check a stored campaign; returns the number of the revision too. revision: 0 for the newest.

        Raises as `of_file` and ReadStored do.
        """
        number, content = await self._stored(caller, name, revision)
        return number, *await self.of_file(caller, content, name, model)
