"""Watch a batch from Python: python examples/watch.py batches/…"""

import asyncio
import os
import sys

import greenroom.client


async def main(batch: str) -> None:
    address = os.environ.get("GREENROOM_ADDRESS", "127.0.0.1:9000")
    async with greenroom.client.connect(address) as client, client.batches.watch(batch) as events:
        async for event in events:  # each event once and in order, even after lost connections
            if event.HasField("user_message") and not event.copied:
                print(f"turn {event.turn}  …{event.conversation[-6:]}  {event.user_message.text or '(silent)'}")
        print(f"{events.summary.counts.completed} completed, {events.summary.counts.failed} failed")


if len(sys.argv) != 2:
    sys.exit("Name the batch: python examples/watch.py batches/…")
try:
    asyncio.run(main(sys.argv[1]))
except greenroom.client.GreenroomError as error:
    sys.exit(f"{sys.argv[1]} cannot be watched: {error}")
