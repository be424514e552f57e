"""A workflow that is stored under a name."""

from dataclasses import dataclass

from services.testdata.traces.workflow import Workflow

PREFIX = "workflows/"


@dataclass(frozen=True, slots=True)
class StoredWorkflow:
    """A stored or built-in workflow. create_time, update_time: Unix milliseconds; 0 for a built-in one."""

    workflow: Workflow
    digest: str
    built_in: bool = False
    create_time: int = 0
    update_time: int = 0

    @property
    def name(self) -> str:
        """`workflows/{name of the workflow}`."""
        return PREFIX + self.workflow.name
