"""Verdicts from replies: what more than half of them say."""

from collections import Counter
from collections.abc import Iterable, Sequence

from services.evaluator.judges.model import CriterionVerdict, Outcome, Reply, Result, Tally
from services.evaluator.rubrics.model import Criterion
from services.evaluator.statistics.krippendorff import alpha
from shared.words import all_of


def verdict_of(one: Criterion, replies: Sequence[Reply]) -> CriterionVerdict:
    """The verdict of a criterion. replies: of every model and repeat."""
    said = Counter(reply.verdict for reply in replies if not reply.reason)
    most, times = said.most_common(1)[0] if said else ("", 0)
    if 2 * times > len(replies):
        turns = sorted({turn for reply in replies if reply.verdict == most for turn in reply.turns})
        return CriterionVerdict(
            one.id,
            Outcome.JUDGED,
            verdict=most,
            passed=most in one.passes,
            turns=tuple(turns),
            agreement=times / len(replies),
            replies=tuple(replies),
        )
    share = times / len(replies)
    if 2 * said.total() > len(replies):
        detail = f"The judge changes its mind: {all_of(f'{word} {count} times' for word, count in said.items())}."
        return CriterionVerdict(
            one.id, Outcome.UNDECIDED, agreement=share, reason="NO_MAJORITY", detail=detail, replies=tuple(replies)
        )
    first = next(reply for reply in replies if reply.reason)
    return CriterionVerdict(
        one.id,
        Outcome.UNUSABLE,
        agreement=share,
        reason=first.reason,
        detail=first.detail,
        replies=tuple(replies),
    )


def tallies(criteria: Sequence[Criterion], results: Iterable[Result]) -> tuple[Tally, ...]:
    """Each criterion over all results."""
    found: dict[str, list[CriterionVerdict]] = {one.id: [] for one in criteria}
    for result in results:
        for one in result.criteria:
            found[one.id].append(one)
    return tuple(_tally(name, verdicts) for name, verdicts in found.items())


def _tally(name: str, verdicts: Sequence[CriterionVerdict]) -> Tally:
    outcomes = Counter(one.outcome for one in verdicts)
    passed = sum(one.passed for one in verdicts)
    return Tally(
        name,
        passed=passed,
        failed=outcomes[Outcome.JUDGED] - passed,
        undecided=outcomes[Outcome.UNDECIDED],
        unusable=outcomes[Outcome.UNUSABLE],
        agreement=alpha([reply.verdict for reply in one.replies if not reply.reason] for one in verdicts),
    )
