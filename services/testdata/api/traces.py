"""TraceService: one servicer, put together from a file for each noun."""

from services.testdata.api.sessions import SessionCalls
from services.testdata.api.streaming import StreamingCalls
from services.testdata.api.workflows import WorkflowCalls
from services.testdata.traces.streams import Streams
from services.testdata.traces.workflows import Workflows
from shared.compute import Compute


class TraceServicer(WorkflowCalls, SessionCalls, StreamingCalls):
    """Answers for traces. What each base answers with is an attribute, set here."""

    def __init__(self, workflows: Workflows, compute: Compute, streams: Streams) -> None:
        self._workflows = workflows
        self._compute = compute
        self._streams = streams
