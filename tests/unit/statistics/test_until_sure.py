"""The e-process beside scipy, and what the rule of stopping promises."""

import pytest
from scipy.stats import betabinom, binom

from shared.statistics.e_process import e_value
from shared.statistics.until_sure import Outcome, Reason, Rule, chance, look, rule_of, stopped

GAINED, LOST, SAME = (True, False), (False, True), (True, True)


def test_the_evidence_is_the_ratio_of_the_likelihoods_that_scipy_computes() -> None:
    for pairs in (0, 1, 7, 50, 300):
        for gained in {0, 1, pairs // 3, pairs // 2, pairs} - {0 if pairs else 1}:
            expected = betabinom.pmf(gained, pairs, 0.5, 0.5) / binom.pmf(gained, pairs, 0.5)
            assert e_value(gained, pairs - gained) == pytest.approx(expected, rel=1e-9)


def test_the_evidence_is_the_product_of_what_each_pair_adds() -> None:
    # Krichevsky and Trofimov bet on each pair with the share that was gained before, half a pair added to each side.
    product, counts = 1.0, [0, 0]
    for place in range(40):
        side = place % 5 == 0
        product *= 2 * (counts[side] + 0.5) / (sum(counts) + 1)
        counts[side] += 1
        assert e_value(counts[True], counts[False]) == pytest.approx(product, rel=1e-9)


@pytest.mark.parametrize("alpha", [0.2, 0.05, 0.01])
def test_equal_sides_are_called_different_less_often_than_alpha_however_often_one_looks(alpha: float) -> None:
    open_, different = {0: 1.0}, 0.0
    for pairs in range(1, 301):
        moved: dict[int, float] = {}
        for gained, probability in open_.items():
            for after in (gained, gained + 1):
                moved[after] = moved.get(after, 0.0) + probability / 2
        over = {gained for gained in moved if e_value(gained, pairs - gained) >= 1 / alpha}
        different += sum(moved[gained] for gained in over)
        open_ = {gained: moved[gained] for gained in moved.keys() - over}

    assert alpha / 5 < different <= alpha


def test_it_stops_at_a_difference_when_it_is_futile_and_when_all_pairs_are_played() -> None:
    def found(outcomes: list[Outcome]) -> tuple[Reason, int] | None:
        stop = stopped(Rule(), outcomes)
        return None if stop is None else (stop.reason, stop.played)

    assert found([LOST] * 50) == (Reason.DIFFERENT, 9)
    assert found([GAINED] * 9) == (Reason.DIFFERENT, 9)
    assert found([SAME] * 50) == (Reason.FUTILE, 39)
    assert found([SAME] * 36) is None
    assert found([GAINED, LOST, SAME] * 17) == (Reason.FUTILE, 18)
    assert found([*[LOST, *[SAME] * 7] * 6, SAME, SAME]) == (Reason.BUDGET, 50)


def test_invalid_pairs_use_up_the_budget_and_say_nothing() -> None:
    stop = stopped(Rule(), [None, LOST, LOST] * 17)

    assert stop is not None
    assert (stop.reason, stop.played, stop.pairs, stop.lost) == (Reason.DIFFERENT, 12, 8, 8)
    assert stopped(Rule(), [None] * 50) is not None


def test_later_pairs_and_earlier_looks_do_not_change_where_it_stops() -> None:
    outcomes: list[Outcome] = [SAME, LOST, SAME, LOST, LOST] * 10
    stop = stopped(Rule(), outcomes)

    assert stop is not None
    assert stopped(Rule(), outcomes[: stop.played]) == stop
    assert stopped(Rule(), outcomes[: stop.played - 1]) is None
    assert stopped(Rule(), outcomes, looked=stop.played - 3) == stop


def test_a_direction_makes_no_difference_to_where_it_stops() -> None:
    for played, gained, lost in ((15, 3, 1), (30, 9, 2), (45, 12, 4), (48, 1, 6)):
        assert look(Rule(), played, played, gained, lost) == look(Rule(), played, played, lost, gained)


def test_the_chance_to_find_the_smallest_difference_grows_with_it_and_with_the_pairs() -> None:
    few = [chance(Rule(most_pairs=6)), chance(Rule(smallest_difference=0.04)), chance(Rule(smallest_difference=1.0))]

    assert few[0] == 0.0
    assert few == sorted(few)
    assert few[2] == pytest.approx(1.0)


def test_a_round_has_three_pairs_or_a_twentieth_of_all() -> None:
    assert [rule_of(most_pairs=most).round_size for most in (1, 50, 60, 1000)] == [3, 3, 3, 50]
    assert rule_of(most_pairs=1000, round_size=7).round_size == 7
