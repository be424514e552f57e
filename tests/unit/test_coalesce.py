"""One query answers all who asked before it began."""

import asyncio

import pytest

from shared.coalesce import Coalesced


async def test_two_hundred_questions_cost_two_queries_and_no_answer_is_older_than_its_question() -> None:
    coalesced, begun, gate = Coalesced[int](), 0, asyncio.Event()

    async def query() -> int:
        nonlocal begun
        begun += 1
        mine = begun
        await gate.wait()
        return mine

    first = asyncio.create_task(coalesced.ask("a", query))
    while not begun:  # noqa: ASYNC110 - the query tells nobody that it began
        await asyncio.sleep(0)
    later = [asyncio.create_task(coalesced.ask("a", query)) for _ in range(200)]
    await asyncio.sleep(0)
    later.pop().cancel()
    gate.set()

    assert await first == 1
    assert set(await asyncio.gather(*later)) == {2}
    assert begun == 2
    assert await coalesced.ask("a", query) == 3


async def test_a_query_that_fails_fails_its_questions_only() -> None:
    coalesced = Coalesced[int]()

    async def fails() -> int:
        raise ValueError

    async def works() -> int:
        return 1

    with pytest.raises(ValueError):  # noqa: PT011
        await coalesced.ask("a", fails)
    assert await coalesced.ask("a", works) == 1
