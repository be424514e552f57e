"""Checks a campaign by rules, without simulation."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from services.evaluator.checks.logic import logic_issues
from services.evaluator.checks.model import Issue, Severity
from services.evaluator.checks.structure import structure_issues
from shared.model.campaigns.model import Campaign

CHECKS: Sequence[Callable[[Campaign], Iterable[Issue]]] = (structure_issues, logic_issues)
"""All checks, in the order of their issues."""

_COSTS = {Severity.ERROR: 20, Severity.WARNING: 5, Severity.INFO: 0}
"""The points that an issue takes from the score."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found. valid: nothing is an error.

    score: 100 less 20 for each error and 5 for each warning, at least 0.
    """

    issues: tuple[Issue, ...]

    @property
    def valid(self) -> bool:
        return all(issue.severity is not Severity.ERROR for issue in self.issues)

    @property
    def score(self) -> int:
        return max(0, 100 - sum(_COSTS[issue.severity] for issue in self.issues))


def check_campaign(campaign: Campaign) -> Checked:
    """Run all checks."""
    return Checked(tuple(issue for check in CHECKS for issue in check(campaign)))
