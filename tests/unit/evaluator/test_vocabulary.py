"""MATTR and HD-D, beside published programs, their definitions, and scipy."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as some
from scipy.stats import hypergeom

from services.evaluator.texts.vocabulary import hdd, mattr
from services.evaluator.texts.words import words

TEXT = (
    "so the order came and the box was open and the lamp was not in the box so I wrote and the shop said the lamp "
    "would come but the lamp did not come and then the order was closed and nobody wrote again and I would like the "
    "lamp or the money for the lamp please because the lamp was a gift and the gift was for today and today is "
    "nearly over"
).split()
SOME_WORDS = some.lists(some.sampled_from("abcdefghij"), min_size=1, max_size=120)


def test_both_are_what_published_programs_say_of_the_same_words() -> None:
    # lexical-diversity 0.1.1 and lexicalrichness 0.5.1 agree on these values.
    assert mattr(TEXT, 25) == pytest.approx(0.6776000000000002, abs=1e-9)
    assert mattr(TEXT, 10) == pytest.approx(0.826153846153846, abs=1e-9)
    assert hdd(TEXT) == pytest.approx(0.5788872575514128, abs=1e-9)


@given(SOME_WORDS, some.integers(1, 40))
def test_both_are_their_definitions(text: list[str], size: int) -> None:
    if len(text) < size:
        assert mattr(text, size) is None
        assert hdd(text, size) is None
        return
    windows = [len(set(text[start : start + size])) / size for start in range(len(text) - size + 1)]
    assert mattr(text, size) == pytest.approx(sum(windows) / len(windows), abs=1e-9)
    drawn = [1 - hypergeom(len(text), times, size).pmf(0) for times in Counter(text).values()]
    assert hdd(text, size) == pytest.approx(sum(drawn) / size, abs=1e-9)


def test_numbers_addresses_and_contractions_are_one_word() -> None:
    assert words("It’s order #48-12: Jo.Fox@example.com paid 12.50!") == [
        *("it's", "order", "48-12", "jo.fox@example.com", "paid", "12.50")
    ]
