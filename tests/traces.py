"""Small traces: a workflow, a dataset and a learning, each made in no time."""

from pathlib import Path

from greenroom.client import Client
from greenroom.testdata.v1.trace_learning_pb2 import LogFormat
from greenroom.testdata.v1.trace_workflow_pb2 import WorkflowSource
from tests.datasets import over, short_spec

SMALL = """
name: {name}
entry_points: {{login: 1}}
transitions:
  login: {{browse: 1}}
  browse: {{browse: 0.5, logout: 0.25}}
exit_points: {{browse: 0.25, logout: 1}}
avg_response_times: {{login: 120, browse: 80, logout: 40}}
"""
LOG = "session,endpoint,timestamp\n1,login,1000\n1,browse,2000\n2,login,5000\n"


def small(called: str, **keys: str) -> WorkflowSource:
    """A small workflow as YAML, with more keys."""
    more = "".join(f"{key}: {value}\n" for key, value in keys.items())
    return WorkflowSource(yaml=SMALL.format(name=called) + more)


async def some_of_each(client: Client, folder: Path, name: str) -> dict[str, str]:
    """A workflow of that name, a dataset and a learning, both completed; by collection. folder: for the log."""
    workflow = await client.traces.workflows.create(small(name))
    dataset = await over(client, (await client.traces.datasets.start(short_spec(sessions=3))).name)
    log = folder / "log.csv"
    log.write_text(LOG)
    learned = await client.traces.learnings.learn_file(log, LogFormat(kind=LogFormat.KIND_CSV))
    return {"workflows": workflow.name, "datasets": dataset.name, "learnings": learned.learning.name}
