"""The Python client of Greenroom.

    import greenroom.client

    async with greenroom.client.connect("127.0.0.1:9000") as client:
        batch = await client.batches.start(spec, create_only=True)
        async with client.batches.watch(batch.name) as events:
            await client.batches.run(batch.name)
            async for event in events:
                print(event.conversation, event.turn, event.WhichOneof("kind"))
        print(events.summary.counts)

What methods take and return are the messages of the contracts (`greenroom.synthesizer.v1`, `greenroom.testdata.v1`,
`greenroom.type.v1`). Calls that a lost connection interrupted are made again where that is safe; watches, exports and
streams go on where they were. What fails raises GreenroomError.
"""

from greenroom.client._batches import Batches
from greenroom.client._calls import Backoff
from greenroom.client._client import Client, connect
from greenroom.client._conversations import Conversations
from greenroom.client._errors import GreenroomError, Violation
from greenroom.client._personas import Personas
from greenroom.client._procedures import Procedures
from greenroom.client._sources import Sources
from greenroom.client._trace_datasets import TraceDatasets
from greenroom.client._trace_learnings import TraceLearnings
from greenroom.client._trace_workflows import TraceWorkflows
from greenroom.client._traces import Traces, without_head
from greenroom.client._watch import Watch

__all__ = [
    "Backoff",
    "Batches",
    "Client",
    "Conversations",
    "GreenroomError",
    "Personas",
    "Procedures",
    "Sources",
    "TraceDatasets",
    "TraceLearnings",
    "TraceWorkflows",
    "Traces",
    "Violation",
    "Watch",
    "connect",
    "without_head",
]
