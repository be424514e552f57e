"""The score of a campaign and its parts.

score = ⌊ Σ weight × points ÷ Σ weight ⌋ over the parts that apply:

checks        the score of the checks: 100 less 20 for each error and 5 for each warning
behaviour     100 less 20 for each kind of error that contacts met, times the share of the contacts that met none
expectations  the mean over expectations of the share of contacts that met each; left out without expectations
coverage      the share of the edges that at least one contact took
"""

from collections.abc import Iterator, Mapping, Sequence
from math import floor

from services.evaluator.checks.check import Checked
from services.evaluator.reports.campaigns.model import ScorePart, Simulated
from shared.model.campaigns.outcomes import Coverage
from shared.model.campaigns.summary import Judged
from shared.words import counted

CHECKS, BEHAVIOUR, EXPECTATIONS, COVERAGE = 30, 30, 20, 20
"""The weights."""
_ERROR = 20
"""The points that each kind of error of contacts takes: the same as an issue of the checks."""


def score_parts(
    checked: Checked, contacts: Sequence[Simulated], coverage: Coverage, expectations: Mapping[str, Judged]
) -> Iterator[ScorePart]:
    """The parts that apply."""
    yield ScorePart("checks", checked.score, CHECKS, f"The checks find {counted(checked.count, 'issue')}.")
    sound = sum(all(row.passed for row in contact.rows) for contact in contacts)
    kinds = {(row.step, row.type) for contact in contacts for row in contact.rows if not row.passed}
    said = f"{sound:,} of {counted(len(contacts), 'contact')} met no error of the campaign."
    yield ScorePart("behaviour", max(0, 100 - _ERROR * len(kinds)) * sound / len(contacts), BEHAVIOUR, said)
    if expectations:
        shares = [one.met / (one.met + one.missed_by) for one in expectations.values()]
        met = sum(not one.missed_by for one in expectations.values())
        said = f"{met:,} of {counted(len(shares), 'expectation')} {'is' if met == 1 else 'are'} met by all contacts."
        yield ScorePart("expectations", 100 * sum(shares) / len(shares), EXPECTATIONS, said)
    if coverage.times:
        taken = sum(map(bool, coverage.times.values()))
        said = f"{taken:,} of {counted(len(coverage.times), 'edge')} {'was' if taken == 1 else 'were'} taken."
        yield ScorePart("coverage", 100 * taken / len(coverage.times), COVERAGE, said)


def score(parts: Sequence[ScorePart]) -> int:
    """The weighted mean of the parts, rounded down, so that 100 means that nothing is missing."""
    total = sum(part.weight * part.points for part in parts) / sum(part.weight for part in parts)
    return floor(total + 1e-9)
