"""TraceService: one servicer, put together from a file for each noun."""

from services.testdata.api.workflows import WorkflowCalls
from services.testdata.traces.workflows import Workflows


class TraceServicer(WorkflowCalls):
    """Answers for traces. Each base has what it answers with as an attribute, which is set here."""

    def __init__(self, workflows: Workflows) -> None:
        self._workflows = workflows
