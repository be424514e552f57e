"""What the tests of datasets share."""

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
"""Sessions of one call or two: many sessions, and so many parts, of few calls."""


def dataset_spec(
    *, users: int = 200, sessions: SessionRange | None = None, workflow: WorkflowSpec | None = None, **fields: Any
) -> pb.DatasetSpec:
    """A dataset of the e-commerce workflow, or of another one. fields: others of the spec."""
    source = WorkflowSource(name="workflows/ecommerce") if workflow is None else WorkflowSource(spec=workflow)
    return pb.DatasetSpec(workflow=source, parameters=TraceParameters(users=users), sessions=sessions, **fields)


def short_spec(sessions: int, **fields: Any) -> pb.DatasetSpec:
    """A dataset of so many short sessions, each of another user."""
    spec = dataset_spec(workflow=SHORT, **fields)
    spec.parameters.users = sessions
    spec.parameters.sessions_per_user.CopyFrom(SessionsPerUser(mean=1, std=0))
    return spec


async def over(client: Client, name: str) -> pb.Dataset:
    """The dataset, once nothing more happens to it."""
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
    """What lies in a dataset's folder, hidden or not, by its name."""
    return {path.name: path.read_bytes() for path in Path(dataset.location).iterdir()}


def names_in(folder: Path) -> list[str]:
    """What lies in a folder, hidden or not."""
    return sorted(path.name for path in folder.iterdir())
