"""Jobs that share a limit run at most that many at once; other jobs pass them."""

from shared.engine.jobs import NO_LIMIT, Job, Limit
from shared.engine.local import fairly


def job(name: str, *limits: Limit, group: str = "") -> Job:
    return Job("test", name, "acme", group, limits)


def names(jobs: list[Job]) -> list[str]:
    return [one.id for one in jobs]


def test_a_limited_batch_leaves_the_other_places_to_others() -> None:
    one, other = Limit("one", 2), Limit("other", 5)
    waiting = [job(f"a{n}", one, group="a") for n in range(4)] + [job(f"b{n}", other, group="b") for n in range(4)]

    assert sorted(names(list(fairly(waiting, [job("a", one, group="a")])))) == ["a0", "b0", "b1", "b2", "b3"]


def test_the_lowest_limit_of_those_that_run_at_once_holds_for_all() -> None:
    free, strict = Limit("agent", NO_LIMIT), Limit("agent", 2)

    assert names(list(fairly([job("x", strict), job("y", free), job("z", free)]))) == ["x", "y"]
    assert names(list(fairly([job("z", free)], [job("x", strict), job("y", free)]))) == []
