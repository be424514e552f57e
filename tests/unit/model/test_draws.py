"""Draws by keyed hash: uniform, and independent of their order."""

from statistics import fmean

from shared.model.draws import draw, pick, shuffled


def test_a_draw_depends_on_all_of_its_key_and_on_nothing_else() -> None:
    assert draw(7, 1, 2, "delay") == draw(7, 1, 2, "delay")
    keys = [(8, 1, 2, "delay"), (7, 2, 2, "delay"), (7, 1, 3, "delay"), (7, 1, 2, "tone"), (7, 12, 2, "delay")]
    assert len({draw(7, 1, 2, "delay"), *(draw(*key) for key in keys)}) == 6


def test_draws_are_uniform() -> None:
    draws = [draw(1, index, 0, "x") for index in range(10_000)]

    assert all(0 <= value < 1 for value in draws)
    assert abs(fmean(draws) - 0.5) < 0.01
    assert all(900 < sum(low <= value < low + 0.1 for value in draws) < 1100 for low in (0, 0.3, 0.6, 0.9))


def test_every_option_can_be_picked() -> None:
    assert {pick("abc", 1, index, 0, "x") for index in range(100)} == {"a", "b", "c"}


def test_a_shuffle_is_a_permutation_that_depends_on_the_seed() -> None:
    assert sorted(shuffled(100, 1, "x")) == list(range(100))
    assert shuffled(100, 1, "x") != shuffled(100, 2, "x")
