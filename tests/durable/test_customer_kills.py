"""SIGKILL while a customer of the user's own plays the persona: only the acts in flight are asked for again."""

import asyncio
from collections import defaultdict
from pathlib import Path

from aiohttp import web

from tests.contract.http_agents import bot, whole
from tests.durable.synthesizers import Store, synthesizer
from tests.rehearsals import batch_spec, check_order, feed, import_rehearsal, over

IN_FLIGHT = 4
ANSWERED = 10
"""How many acts the customer answers before the kill."""


async def test_no_more_acts_are_repeated_than_were_in_flight_and_each_has_the_same_key(
    store: Store, tmp_path: Path
) -> None:
    hanging, killed = asyncio.Semaphore(0), asyncio.Event()

    async def reply(request: web.Request) -> web.StreamResponse:
        """Say how much was said, so that every message differs."""
        if len(customer.asked) > ANSWERED and not killed.is_set():
            hanging.release()
            await killed.wait()
        count = len((await request.json())["events"])
        return await whole({"say": {"text": f"I said or heard {count} messages."}})(request)

    async with bot() as customer:
        customer.answers = [reply]
        async with synthesizer(store) as (process, client):
            await import_rehearsal(client, tmp_path)
            spec = batch_spec(8)
            spec.max_in_flight, spec.conversation.max_turns = IN_FLIGHT, 4
            spec.conversation.persona_target.http.url = f"{customer.address}/act"
            batch = (await client.batches.start(spec)).name
            for _ in range(IN_FLIGHT):
                await hanging.acquire()
            process.kill()
            await process.died()
        killed.set()
        async with synthesizer(store) as (_, client):
            done = await over(client, batch)

    asked: dict[str, list[str]] = defaultdict(list)
    for _, headers, _ in customer.asked:
        asked[headers["idempotency-key"]].append(headers[""])
    assert done.counts.completed == spec.size
    assert len(customer.asked) - len(asked) == IN_FLIGHT
    assert all(len(set(bodies)) == 1 for bodies in asked.values()), "a repeated act is asked for in the same words"
    assert done.turns == len(asked)
    check_order(await feed(store.url, batch))
