"""What is kept in memory weighs no more than it may, and what was used longest ago goes first."""

from shared.kept import Kept


def test_what_was_used_longest_ago_goes_first() -> None:
    kept: Kept[str, int] = Kept(3)
    for number, key in enumerate("abc"):
        kept.put(key, number)

    assert kept.get("a") == 0
    kept.put("d", 3)

    assert [kept.get(key) for key in "abcd"] == [0, None, 2, 3]


def test_together_they_weigh_no_more_than_the_limit() -> None:
    kept: Kept[str, str] = Kept(10)
    kept.put("a", "heavy", 6)
    kept.put("a", "lighter", 4)
    kept.put("b", "beside it", 6)
    assert (kept.get("a"), kept.get("b")) == ("lighter", "beside it")

    kept.put("c", "alone", 10)
    assert [kept.get(key) for key in "abc"] == [None, None, "alone"]

    kept.put("d", "too heavy", 11)
    assert kept.get("d") is None
