"""Programs of users run beside the event loop: it answers others between them."""

import asyncio

from shared.compute.offload import INLINE_WORK, Offload
from shared.model.work_budget import spend, work_budget


async def test_the_event_loop_looks_for_events_between_programs_that_together_take_long() -> None:
    offload, looked = Offload(), 0

    def look() -> None:
        nonlocal looked
        looked += 1
        asyncio.get_running_loop().call_soon(look)

    look()
    await asyncio.gather(*(offload(lambda: spend(INLINE_WORK - 1)) for _ in range(50)))
    await offload.close()

    assert looked > 25, "programs that together take a quarter of a second ran in a row"


def test_a_long_program_lets_others_go_on_whenever_it_spends_work() -> None:
    paused: list[int] = []
    with work_budget(pause=lambda: paused.append(1)):
        for _ in range(3):
            spend(1)
    assert len(paused) == 3
