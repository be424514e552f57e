"""A workflow that is kept under a name."""

from dataclasses import dataclass

from services.testdata.traces.workflow import Workflow

PREFIX = "workflows/"


@dataclass(frozen=True, slots=True)
class KeptWorkflow:
    """A workflow as it is kept.

    name: `workflows/{workflow}`, by the spec's name.
    create_time, update_time: Unix milliseconds; 0 for a built-in one.
    """

    workflow: Workflow
    digest: str
    built_in: bool = False
    create_time: int = 0
    update_time: int = 0

    @property
    def name(self) -> str:
        """`workflows/{workflow}`, by the workflow's own name."""
        return PREFIX + self.workflow.name
