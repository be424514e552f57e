"""Helpers of the learning tests."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from greenroom.client import Client
from greenroom.testdata.v1 import trace_learning_pb2 as pb
from greenroom.testdata.v1 import trace_workflow_pb2
from tests.suite import TestdataSuite

ECOMMERCE = trace_workflow_pb2.WorkflowSource(name="workflows/ecommerce")
EVENT_LOG = pb.LogFormat(kind=pb.LogFormat.KIND_EVENT_LOG)
EXPORTS = ("transitions.parquet", "ngrams.parquet", "session_features.parquet")
JSONL = pb.LogFormat(kind=pb.LogFormat.KIND_JSONL)
SMALL = """case_id,activity,timestamp
1,login,2026-01-05T10:00:00Z
1,browse,2026-01-05T10:01:00Z
2,login,2026-01-05T11:00:00Z
2,logout,2026-01-05T11:05:00Z
3,browse,2026-01-05T12:00:00Z
"""


@dataclass
class Stand:
    """A test data service that may read logs in a folder."""

    suite: TestdataSuite
    logs: Path
    data: Path

    @property
    def client(self) -> Client:
        return self.suite.client

    async def learn(self, content: str | bytes, log_format: pb.LogFormat, name: str = "") -> pb.LearnWorkflowResponse:
        """Upload a log and learn from it."""
        path = self.data / "sent.log"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return await self.client.traces.learnings.learn_file(path, log_format, workflow_name=name)

    async def start(self, path: str, log_format: pb.LogFormat = EVENT_LOG) -> pb.Learning:
        """Start a learning of a log in the folder."""
        return await self.client.traces.learnings.start(pb.LearningSpec(path=path, format=log_format))

    async def over(self, learning: pb.Learning) -> pb.Learning:
        """Wait until the learning is over and return it."""
        return await over(self.client, learning)


async def over(client: Client, learning: pb.Learning) -> pb.Learning:
    """Wait until the learning is over and return it."""
    async with client.traces.learnings.watch(learning.name) as watched:
        async for _ in watched:
            pass
    assert watched.summary is not None
    return watched.summary


def edges(learned: pb.LearnedWorkflow) -> Mapping[tuple[str, str], int]:
    return {(getattr(edge, "from"), edge.to): edge.count for edge in learned.edges}
