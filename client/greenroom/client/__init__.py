"""The Python client of Greenroom.

    import greenroom.client

    async with greenroom.client.connect("127.0.0.1:9000") as client:
        batch = await client.batches.start(spec, create_only=True)
        async with client.batches.watch(batch.name) as events:
            await client.batches.run(batch.name)
            async for event in events:
                print(event.conversation, event.turn, event.WhichOneof("kind"))
        print(events.summary.counts)

Methods take and return messages of the contracts (`greenroom.synthesizer.v1`, `greenroom.evaluator.v1`,
`greenroom.enricher.v1`, `greenroom.testdata.v1`, `greenroom.type.v1`). After a lost connection the client repeats calls
where that is safe, and resumes watches, exports and streams at their cursor. A failed call raises GreenroomError.
"""

from greenroom.client._calls import Backoff
from greenroom.client._client import Client, connect
from greenroom.client._errors import GreenroomError, Violation
from greenroom.client._listing import Listing
from greenroom.client._traces import without_head
from greenroom.client._watch import Watch

__all__ = ["Backoff", "Client", "GreenroomError", "Listing", "Violation", "Watch", "connect", "without_head"]
