"""Watch a batch from Python: python examples/watch.py batches/…"""

import asyncio
import sys

import greenroom.client


async def main(batch: str) -> None:
    async with greenroom.client.connect("127.0.0.1:9000") as client, client.batches.watch(batch) as events:
        async for event in events:  # each event once and in order, however often the connection is lost
            if event.HasField("user_message") and not event.copied:
                print(f"turn {event.turn}  …{event.conversation[-6:]}  {event.user_message.text or '(silent)'}")
        print(f"{events.summary.counts.completed} completed, {events.summary.counts.failed} failed")


asyncio.run(main(sys.argv[1]))
