"""When pairs of conversations that are played in rounds have shown enough: the rule of `--until-sure`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import ceil, exp, lgamma, log
from typing import Any

from shared.statistics.e_process import e_value, log_e_value

HOPELESS = 0.01
"""A chance to find a difference that is smaller than this is not worth the pairs that are left."""
_NEGLIGIBLE = 1e-9
_LOOKS = 20
"""About how often one looks if nobody said how many pairs a round has."""
_FEWEST = 3
"""The fewest pairs of such a round."""


class Reason(StrEnum):
    """Why no more pairs are played.

    DIFFERENT: the sides differ. FUTILE: the pairs that are left would hardly show a difference. BUDGET: all pairs are
    played. Neither FUTILE nor BUDGET says that the sides are equal.
    """

    DIFFERENT = "DIFFERENT"
    FUTILE = "FUTILE"
    BUDGET = "BUDGET"


@dataclass(frozen=True, slots=True)
class Rule:
    """When to stop.

    alpha: the probability of DIFFERENT if the sides are equal is at most this, however often one looks; 0 to 1, not an
    end. smallest_difference: of success rates, the smallest that matters; above 0. round_size: how many pairs are
    played between two looks. most_pairs: how many are played at most.
    """

    alpha: float = 0.05
    smallest_difference: float = 0.2
    round_size: int = 3
    most_pairs: int = 50

    @property
    def needed(self) -> float:
        """The evidence that shows a difference: 1/alpha."""
        return 1 / self.alpha


@dataclass(frozen=True, slots=True)
class Stop:
    """How it stopped.

    played: pairs that were played. pairs: those of them that count, because both conversations are valid.
    gained, lost: pairs of which only the new side, or only the other side, passed. evidence: E of these pairs.
    most: the largest E at any look.
    """

    reason: Reason
    played: int
    pairs: int
    gained: int
    lost: int
    evidence: float
    most: float


Outcome = tuple[bool, bool] | None
"""Whether the new and the other side passed; None if a conversation of the pair is invalid."""


def rule_of(**given: Any) -> Rule:
    """The rule with these values, and with the usual ones for those that are not given."""
    rule = Rule(**given)
    if "round_size" in given:
        return rule
    return replace(rule, round_size=max(_FEWEST, ceil(rule.most_pairs / _LOOKS)))


def stopped(rule: Rule, outcomes: Sequence[Outcome], looked: int = 0) -> Stop | None:
    """The first look that ends it; None if more pairs must be played.

    outcomes: of pairs, in the order in which they count. looked: after how many of them the last look was that did not
    end it; 0 for none.
    """
    pairs = gained = lost = 0
    most = 1.0
    for start, end in _rounds(rule, len(outcomes)):
        valid = [one for one in outcomes[start:end] if one is not None]
        pairs += len(valid)
        gained += sum(new and not old for new, old in valid)
        lost += sum(old and not new for new, old in valid)
        evidence = e_value(gained, lost)
        most = max(most, evidence)
        if end > looked and (reason := look(rule, end, pairs, gained, lost)) is not None:
            return Stop(reason, end, pairs, gained, lost, evidence, most)
    return None


def chance(rule: Rule) -> float:
    """The chance to find the smallest difference that matters if all pairs that differ are lost, before any is played.

    Not all of it if it is at least HOPELESS.
    """
    return _chance(rule, (0, 0), rule.most_pairs, rule.smallest_difference, 1.0)


def look(rule: Rule, played: int, pairs: int, gained: int, lost: int) -> Reason | None:
    """Why no more pairs are played after this many; None if more are. See Stop for the counts."""
    if e_value(gained, lost) >= rule.needed:
        return Reason.DIFFERENT
    if played >= rule.most_pairs:
        return Reason.BUDGET
    left, differing = rule.most_pairs - played, gained + lost
    size = rule.smallest_difference
    share = differing / pairs if pairs else 0.0
    # What is left is like what was seen, or has the smallest difference that matters, in one or the other direction.
    wide = max(share, size)
    goings_on = [(wide, (1 + size / wide) / 2), (wide, (1 - size / wide) / 2)]
    if differing:
        goings_on.insert(0, (share, gained / differing))
    if any(_chance(rule, (gained, lost), left, *going_on) >= HOPELESS for going_on in goings_on):
        return None
    return Reason.FUTILE


def _rounds(rule: Rule, played: int) -> Iterator[tuple[int, int]]:
    """The places of the pairs of each complete round; the last one may be shorter than the others."""
    for start in range(0, rule.most_pairs, rule.round_size):
        end = min(start + rule.round_size, rule.most_pairs)
        if end > played:
            return
        yield start, end


def _chance(rule: Rule, seen: tuple[int, int], left: int, differing: float, gained: float) -> float:
    """The chance that E reaches 1/alpha within the pairs that are left; not all of it if it is at least HOPELESS.

    seen: pairs that were gained and lost. differing: the share of pairs that will differ. gained: the share of these
    that will be gained.
    """
    found = passed = 0.0
    for count, reached in enumerate(_reached(rule, seen, left, gained)):
        probability = _binomial(left, count, differing)
        found += probability * reached
        passed += probability
        if found >= HOPELESS or 1 - passed < _NEGLIGIBLE:
            break
    return found


def _reached(rule: Rule, seen: tuple[int, int], left: int, share: float) -> Iterator[float]:
    """The chance that E has reached 1/alpha after 0, 1, … `left` more pairs that differ."""
    needed, before, done = log(rule.needed), sum(seen), 0.0
    # The chance of each number of gained pairs with which E has not reached it yet.
    open_ = {seen[0]: 1.0}
    yield done
    for count in range(before + 1, before + left + 1):
        moved: dict[int, float] = {}
        for gained, probability in open_.items():
            moved[gained + 1] = moved.get(gained + 1, 0.0) + probability * share
            moved[gained] = moved.get(gained, 0.0) + probability * (1 - share)
        over = {gained for gained in moved if log_e_value(gained, count - gained) >= needed}
        done += sum(moved[gained] for gained in over)
        open_ = {one: moved[one] for one in moved.keys() - over if moved[one] > _NEGLIGIBLE**2}
        yield done


def _binomial(trials: int, successes: int, share: float) -> float:
    """The probability of this many successes."""
    if share in (0.0, 1.0):
        return float(successes == trials * share)
    ways = lgamma(trials + 1) - lgamma(successes + 1) - lgamma(trials - successes + 1)
    return exp(ways + successes * log(share) + (trials - successes) * log(1 - share))
