"""Checks a campaign by rules, without simulation."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from services.evaluator.checks.logic import logic_issues
from services.evaluator.checks.messages.checking import message_issues
from services.evaluator.checks.model import Issue, Severity
from services.evaluator.checks.structure import structure_issues
from shared.model.campaigns.model import Campaign
from shared.model.campaigns.reading import read_campaign

CHECKS: Sequence[Callable[[Campaign], Iterable[Issue]]] = (structure_issues, logic_issues, message_issues)
"""All checks, in the order of their issues."""

MAX_ISSUES = 1_000
"""The most issues that are listed."""
_COSTS = {Severity.ERROR: 20, Severity.WARNING: 5, Severity.INFO: 0}
"""The points that an issue takes from the score."""
_ORDER = [*_COSTS]


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found.

    valid: nothing is an error. score: 100 less 20 for each error and 5 for each warning, at least 0.
    issues: the first `MAX_ISSUES`, errors first. count: how many there are.
    """

    valid: bool
    score: int
    issues: tuple[Issue, ...]
    count: int


def check_campaign(campaign: Campaign) -> Checked:
    """Run all checks."""
    issues = [issue for check in CHECKS for issue in check(campaign)]
    issues.sort(key=lambda issue: _ORDER.index(issue.severity))
    return Checked(
        valid=all(issue.severity is not Severity.ERROR for issue in issues),
        score=max(0, 100 - sum(_COSTS[issue.severity] for issue in issues)),
        issues=tuple(issues[:MAX_ISSUES]),
        count=len(issues),
    )


def check_file(content: bytes, file: str) -> Checked:
    """Read a campaign and run all checks; runs in another process. Raises BadYaml, CampaignInvalid."""
    return check_campaign(read_campaign(content, file))
