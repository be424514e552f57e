"""Patterns and lengths that leave no text."""

from itertools import product

import pytest

from shared.patterns import compile_pattern
from shared.patterns.automaton import automaton
from shared.patterns.overlap import Overlap, Overlaps

_PATTERNS = ("a*", "(ab)*", "b+a?", "[^a]+", "a|bb|aba", "(a|b){2,3}", ".?b", "(?s:.)b", "a{3,}b{1,2}", "")


def found(patterns: list[str], least: int = 0, most: int | None = None, work: int = 100_000) -> Overlap:
    return Overlaps(work).of(patterns, least, most)


@pytest.mark.parametrize("least", [0, 2, 4])
def test_patterns_and_lengths_leave_a_text_exactly_if_one_of_all_texts_fits(least: int) -> None:
    texts = ["".join(one) for length in range(7) for one in product("abc", repeat=length)]
    matching = {
        one: {text for text in texts if compile_pattern(f"^(?:{one})$").find(text) is not None} for one in _PATTERNS
    }

    for one, other in product(_PATTERNS, repeat=2):
        for most in (least, 6):
            exists = any(least <= len(text) <= most for text in matching[one] & matching[other])
            wanted = Overlap.SOME if exists else Overlap.NONE
            assert wanted is found([one, other], least, most), (one, other, least, most)


def test_a_pattern_includes_another_exactly_if_each_of_its_texts_matches() -> None:
    texts = ["".join(one) for length in range(7) for one in product("abc", repeat=length)]
    patterns = [one for one in _PATTERNS if one != "[^a]+"]
    matching = {one: {text for text in texts if compile_pattern(one).is_whole(text)} for one in patterns}

    for wide, narrow in product(patterns, repeat=2):
        assert automaton(wide).includes(automaton(narrow)) is (matching[narrow] <= matching[wide]), (wide, narrow)

    assert automaton("[A-Z]{3}-[0-9]+").includes(automaton("ABC-[3-5]{2}"))
    assert not automaton("[A-Z]{3}-[0-9]+").includes(automaton("ABC-[3-:]{2}"))
    assert not automaton("[A-CE-Z]+").includes(automaton("[A-Z]+"))


def test_lengths_that_only_come_back_after_a_while_are_found() -> None:
    assert found(["(a{7})*", "(a{11})*"], 1, 76) is Overlap.NONE
    assert found(["(a{7})*", "(a{11})*"], 1, 77) is Overlap.SOME
    assert found(["(a{7})*", "(a{11})*"], 1_000_000, 1_000_076) is Overlap.SOME
    assert found(["(ab)*"], 999_999, 999_999) is Overlap.NONE


def test_a_class_means_all_of_its_characters_and_flags_are_passed_over() -> None:
    assert found(["[^a]+", "é+"]) is Overlap.SOME
    assert found(["[^a-z]", "[a-z]"]) is Overlap.NONE
    assert found(["(?i)a", "b"]) is Overlap.SOME


def test_patterns_that_take_too_long_to_compare_are_not_compared() -> None:
    assert found(["(a|b)*a(a|b){200}", "(a|b)*b(a|b){200}"]) is Overlap.UNKNOWN
    assert found(["((a?){60}){60}"], 3_000) is Overlap.UNKNOWN
    assert found(["(((a{30}){30}){30}){30}"]) is Overlap.UNKNOWN
    several = Overlaps(500)
    assert [several.of(["[a-z]{100}"], 0, 50) for _ in range(3)] == [Overlap.NONE, Overlap.NONE, Overlap.UNKNOWN]
