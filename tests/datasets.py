"""Helpers of the dataset tests."""

from pathlib import Path
from typing import Any

from greenroom.client import Client
from greenroom.testdata.v1 import trace_dataset_pb2 as pb
from greenroom.testdata.v1.trace_call_pb2 import SessionRange, SessionsPerUser, TraceParameters
from greenroom.testdata.v1.trace_workflow_pb2 import Transitions, WorkflowSource, WorkflowSpec

State = pb.Dataset.State

SHORT = WorkflowSpec(
    name="short",
    entry_points={"ping": 1},
    transitions={"ping": Transitions(next={"pong": 0.25})},
    exit_points={"ping": 0.75, "pong": 1},
    avg_response_times={"ping": 10, "pong": 20},
)
"""Sessions of one or two calls, so a dataset of few calls has many parts."""


def dataset_spec(
    *, users: int = 200, sessions: SessionRange | None = None, workflow: WorkflowSpec | None = None, **fields: Any
) -> pb.DatasetSpec:
    """A dataset of the e-commerce workflow, or of another one. fields: other fields of the spec."""
    source = WorkflowSource(name="workflows/ecommerce") if workflow is None else WorkflowSource(spec=workflow)
    return pb.DatasetSpec(workflow=source, parameters=TraceParameters(users=users), sessions=sessions, **fields)


def short_spec(sessions: int, **fields: Any) -> pb.DatasetSpec:
    """A dataset of `sessions` short sessions, one per user."""
    spec = dataset_spec(workflow=SHORT, **fields)
    spec.parameters.users = sessions
    spec.parameters.sessions_per_user.CopyFrom(SessionsPerUser(mean=1, std=0))
    return spec


async def over(client: Client, name: str) -> pb.Dataset:
    """The dataset, once it is over."""
    async with client.traces.datasets.watch(name) as watch:
        async for _ in watch:
            pass
    assert watch.summary is not None
    return watch.summary


async def written(client: Client, spec: pb.DatasetSpec) -> pb.Dataset:
    """A dataset of this spec, completed."""
    done = await over(client, (await client.traces.datasets.start(spec)).name)
    assert done.state == State.STATE_COMPLETED, done.detail
    return done


def files(dataset: pb.Dataset) -> dict[str, bytes]:
    """The files in a dataset's folder by name, also hidden ones."""
    return {path.name: path.read_bytes() for path in Path(dataset.location).iterdir()}


def names_in(folder: Path) -> list[str]:
    """The names in a folder, also hidden ones."""
    return sorted(path.name for path in folder.iterdir())
