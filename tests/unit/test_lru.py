"""The cache holds no more than its limit, and drops the least recently used values first."""

from shared.lru import LruCache


def test_the_least_recently_used_value_is_dropped_first() -> None:
    cache: LruCache[str, int] = LruCache(3)
    for number, key in enumerate("abc"):
        cache.put(key, number)

    assert cache.get("a") == 0
    cache.put("d", 3)

    assert [cache.get(key) for key in "abcd"] == [0, None, 2, 3]


def test_the_weights_of_all_values_together_stay_within_the_limit() -> None:
    cache: LruCache[str, str] = LruCache(10)
    cache.put("a", "heavy", 6)
    cache.put("a", "lighter", 4)
    cache.put("b", "beside it", 6)
    assert (cache.get("a"), cache.get("b")) == ("lighter", "beside it")

    cache.put("c", "alone", 10)
    assert [cache.get(key) for key in "abc"] == [None, None, "alone"]

    cache.put("d", "too heavy", 11)
    assert cache.get("d") is None
