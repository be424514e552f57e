"""Answers that arrive together are handed out one by one."""

import asyncio

from shared.llm.pace import Pace
from tests.unit.llm.asking import HELLO, REQUEST, Asked
from tests.virtual_time import in_virtual_time, now


@in_virtual_time
async def test_the_first_goes_on_before_the_last_has_its_answer() -> None:
    seen: list[tuple[str, int]] = []
    model = Pace(Asked(seconds=1))

    async def converse(number: int) -> None:
        assert await model.complete(REQUEST) == HELLO
        seen.append(("answered", number))
        for _ in range(3):
            await asyncio.sleep(0)
        seen.append(("went on", number))

    await asyncio.gather(*map(converse, range(20)))

    assert now() == 1
    first, last = seen[0][1], seen[-1][1]
    assert seen.index(("went on", first)) < seen.index(("answered", last))
    assert sorted(seen) == sorted((what, number) for what in ("answered", "went on") for number in range(20))


@in_virtual_time
async def test_one_that_is_cancelled_meanwhile_holds_nobody_up() -> None:
    model = Pace(Asked(seconds=1))
    calls = [asyncio.create_task(model.complete(REQUEST)) for _ in range(4)]
    asyncio.get_running_loop().call_later(1, calls[2].cancel)

    done = await asyncio.gather(*calls, return_exceptions=True)

    assert [reply for reply in done if reply == HELLO] == [HELLO] * 3
    assert await model.complete(REQUEST) == HELLO
