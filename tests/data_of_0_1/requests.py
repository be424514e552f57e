"""The requests that the data was made with, by request id. `make.py` sends them to 0.1, the test sends them again."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from google.protobuf.message import Message

from cli.kit import specs
from greenroom.client import Client
from greenroom.synthesizer.v1 import batch_pb2, conversation_pb2, persona_pb2, procedure_pb2
from greenroom.testdata.v1 import trace_dataset_pb2, trace_learning_pb2, trace_workflow_pb2
from greenroom.type.v1.event_pb2 import AgentMessage, Event, UserMessage

SIZE = 14
PART = 1 << 20
SHORT = trace_workflow_pb2.WorkflowSpec(
    name="short",
    entry_points={"ping": 1},
    transitions={"ping": trace_workflow_pb2.Transitions(next={"pong": 0.25})},
    exit_points={"ping": 0.75, "pong": 1},
    avg_response_times={"ping": 10, "pong": 20},
)
EVENTS = [Event(user_message=UserMessage(text="Hello?")), Event(agent_message=AgentMessage(text="Hello!"))]

Request = Callable[[Client, Path, str], Awaitable[Message]]
"""Sends a request to a client with a request id. The path is the folder with the examples."""


def batch_spec(folder: Path, **fields: Any) -> batch_pb2.BatchSpec:
    """The batch of examples/returns, with one conversation per source."""
    spec = specs.read(folder / "batch.yaml", batch_pb2.BatchSpec())
    spec.MergeFrom(batch_pb2.BatchSpec(size=SIZE, **fields))
    return spec


def dataset_spec(sessions: int, **fields: Any) -> trace_dataset_pb2.DatasetSpec:
    """A dataset of short sessions, one per user."""
    spec = trace_dataset_pb2.DatasetSpec(workflow=trace_workflow_pb2.WorkflowSource(spec=SHORT), **fields)
    spec.parameters.users = sessions
    spec.parameters.sessions_per_user.mean = 1
    return spec


def conversation_spec(folder: Path, **fields: Any) -> conversation_pb2.ConversationSpec:
    """A conversation that starts from no source, with the tools of the batch."""
    spec = batch_spec(folder).conversation
    spec.MergeFrom(conversation_pb2.ConversationSpec(persona="personas/busy-bob", **fields))
    return spec


async def first_procedure(client: Client) -> str:
    """The name of the imported procedure."""
    return min([procedure.name async for procedure in client.procedures.list()])


async def _alone(client: Client, folder: Path, key: str) -> Message:
    return await client.conversations.start(
        conversation_spec(folder, procedure=await first_procedure(client)), request_id=key
    )


async def _unreachable_agent(client: Client, folder: Path, key: str) -> Message:
    agent = conversation_pb2.AgentTarget(grpc=conversation_pb2.GrpcAgent(address="127.0.0.1:1"))
    return await client.conversations.start(conversation_spec(folder, agent=agent), request_id=key)


async def _created(client: Client, folder: Path, key: str) -> Message:
    spec = conversation_spec(folder, procedure=await first_procedure(client))
    return await client.conversations.start(spec, create_only=True, request_id=key)


async def _manual(client: Client, _: Path, key: str) -> Message:
    spec = conversation_pb2.ConversationSpec(type=conversation_pb2.CONVERSATION_TYPE_MANUAL, external_id=key)
    return await client.conversations.start(spec, request_id=key)


REQUESTS: Mapping[str, Request] = {
    "procedures": lambda client, folder, key: client.procedures.import_file(
        folder / "procedures.jsonl", request_id=key
    ),
    "sources": lambda client, folder, key: client.sources.import_file(folder / "sources.jsonl", request_id=key),
    "persona": lambda client, _, key: client.personas.create(
        persona_pb2.Persona(display_name="Patient Paula", goal="Send the lamp back."), request_id=key
    ),
    "draft": lambda client, _, key: client.procedures.create(
        procedure_pb2.Procedure(display_name="A draft"),
        procedure_pb2.Revision(
            instructions="Be kind.", steps=[procedure_pb2.Step(say=procedure_pb2.SayStep(text="Hello."))]
        ),
        request_id=key,
    ),
    "completed": lambda client, folder, key: client.batches.start(batch_spec(folder), request_id=key),
    "cancelled": lambda client, folder, key: client.batches.start(
        batch_spec(folder, external_id="cancelled"), create_only=True, request_id=key
    ),
    "created": lambda client, folder, key: client.batches.start(
        batch_spec(folder, external_id="created"), create_only=True, request_id=key
    ),
    "alone": _alone,
    "unreachable-agent": _unreachable_agent,
    "created-conversation": _created,
    "finished-manual": _manual,
    "open-manual": _manual,
    "workflow": lambda client, _, key: client.traces.workflows.create(SHORT, name="my-short", request_id=key),
    "written": lambda client, _, key: client.traces.datasets.start(
        dataset_spec(500, destination="written"), request_id=key
    ),
    "crashed": lambda client, _, key: client.traces.datasets.start(
        dataset_spec(PART // 4, destination="crashed"), request_id=key
    ),
    "aborted": lambda client, _, key: client.traces.datasets.start(
        dataset_spec(8 * PART, destination="aborted"), request_id=key
    ),
}
"""Requests whose work 0.1 had finished, or never begun, when it was killed."""


async def dataset_learned(client: Client, key: str) -> Message:
    """A learning of the dataset that is written."""
    [written] = [one.name async for one in client.traces.datasets.list() if one.spec.destination == "written"]
    return await client.traces.learnings.start(
        trace_learning_pb2.LearningSpec(dataset=written, workflow_name=key), request_id=key
    )


REQUESTS_UNDER_WAY: Mapping[str, Request] = {
    "half-done": lambda client, folder, key: client.batches.start(
        batch_spec(folder, external_id="half-done"), request_id=key
    ),
    "one-part": lambda client, _, key: client.traces.datasets.start(
        dataset_spec(PART + 500, destination="one-part"), request_id=key
    ),
    "begun": lambda client, _, key: client.traces.datasets.start(
        dataset_spec(300, destination="begun"), request_id=key
    ),
    "learning": lambda client, _, key: dataset_learned(client, key),
}
"""Requests whose work 0.1 was doing when it was killed."""
