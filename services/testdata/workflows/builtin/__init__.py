"""The workflows that come with Greenroom: one data file each, read-only."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from services.testdata.traces.digest import digest
from services.testdata.traces.normalise import normalised
from services.testdata.traces.workflow_yaml import read_yaml
from services.testdata.workflows.model import StoredWorkflow

ORDER = ("ecommerce", "microservices")
"""The order of lists."""


@cache
def built_in() -> Mapping[str, StoredWorkflow]:
    """The built-in workflows by name, such as `workflows/ecommerce`, in their order."""
    kept = [_read(key) for key in ORDER]
    return MappingProxyType({workflow.name: workflow for workflow in kept})


def _read(key: str) -> StoredWorkflow:
    text = files("services.testdata.workflows.builtin").joinpath(f"{key}.yaml").read_text()
    workflow = normalised(read_yaml(text))
    return StoredWorkflow(workflow, digest(workflow), built_in=True)
