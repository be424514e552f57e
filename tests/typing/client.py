"""Uses of the published client, for mypy to check: never run."""

from pathlib import Path

import grpc

import greenroom.client
from greenroom.client import Backoff, Client, GreenroomError, Violation, Watch
from greenroom.synthesizer.v1.batch_pb2 import Batch, BatchResult, BatchSpec
from greenroom.synthesizer.v1.conversation_pb2 import Conversation, ConversationSpec
from greenroom.synthesizer.v1.import_pb2 import ImportSummary
from greenroom.synthesizer.v1.persona_pb2 import Persona
from greenroom.synthesizer.v1.procedure_pb2 import Procedure, Revision
from greenroom.synthesizer.v1.source_pb2 import Source, SourceFilter
from greenroom.testdata.v1.trace_call_pb2 import Call, SessionRange, StreamCallsResponse, TraceParameters
from greenroom.testdata.v1.trace_dataset_pb2 import Dataset, DatasetPart, DatasetSpec
from greenroom.testdata.v1.trace_learning_pb2 import Learning, LogFormat
from greenroom.testdata.v1.trace_workflow_pb2 import TraceWorkflow, WorkflowSource
from greenroom.type.v1.event_pb2 import Event, Resource


async def connects() -> None:
    async with greenroom.client.connect() as client:
        one: Client = client
        del one
    credentials: grpc.ChannelCredentials = grpc.ssl_channel_credentials()
    async with greenroom.client.connect(
        "127.0.0.1:9000",
        token="t",
        tls=credentials,
        timeout=3,
        retry=Backoff(attempts=1),
        reconnect=Backoff(attempts=9, initial=0.2, maximum=1),
    ):
        pass


async def nouns(client: Client) -> None:
    persona: Persona = await client.personas.create(Persona(), request_id="r")
    persona = await client.personas.update(persona, fields=["goal", "personality.tone"])
    personas: list[Persona] = [one async for one in client.personas.list()]
    summary: ImportSummary = await client.procedures.import_file("p.jsonl")
    summary = await client.sources.import_file(Path("s.jsonl.gz"), format="abcd")
    revision: Revision = (await client.procedures.create(Procedure(), Revision(), ready=True)).revision
    revision = await client.procedures.update_revision("procedures/p", 1, Revision())
    revision = await client.procedures.mark_ready("procedures/p", 1)
    sources: list[Source] = [one async for one in client.sources.list(SourceFilter(finished=True))]
    resources: tuple[Resource, ...] = await client.sources.resources(sources[0].name)
    conversation: Conversation = await client.conversations.start(ConversationSpec(), create_only=True)
    events: tuple[Event, ...] = await client.conversations.append(conversation.name, [Event()], expected_last_seq=3)
    del persona, personas, summary, revision, resources, events


async def watches(client: Client) -> None:
    batch: Batch = await client.batches.start(BatchSpec(size=50), create_only=True)
    async with client.batches.watch(batch.name) as watch:
        whole: Watch[Event, Batch] = watch
        await client.batches.run(batch.name)
        async for event in whole:
            one: Event = event
            del one
        ended: Batch | None = watch.summary
        cursor: str = watch.cursor
    conversation: Conversation | None = client.conversations.watch("conversations/c", cursor=cursor).summary
    results: list[BatchResult] = [row async for row in client.batches.results(batch.name)]
    async for part in client.batches.export(batch.name, cursor=cursor):
        chunk: bytes = part.chunk
        del chunk
    del ended, conversation, results


async def traces(client: Client) -> None:
    kept: TraceWorkflow = await client.traces.workflows.create(WorkflowSource(yaml="…"), name="mine")
    calls: tuple[Call, ...] = await client.traces.session(kept.name, TraceParameters(seed=3), session=5)
    async for message in client.traces.stream("workflows/ecommerce", sessions=SessionRange(first=5, count=2)):
        one: StreamCallsResponse = message
        del one
    dataset: Dataset = await client.traces.datasets.start(DatasetSpec(), request_id="r")
    async with client.traces.datasets.watch(dataset.name) as watch:
        parts: list[DatasetPart] = [part async for part in watch]
        ended: Dataset | None = watch.summary
    learning: Learning = (await client.traces.learnings.learn_file("a.log", LogFormat())).learning
    recovered: bool = (await client.traces.compare(kept.name, learning.name)).certificate.recovered
    del calls, parts, ended, recovered


def errors(error: GreenroomError) -> None:
    code: str = error.code
    reason: str = error.reason
    violations: tuple[Violation, ...] = error.violations
    metadata: dict[str, str] = error.metadata
    del code, reason, violations, metadata
