"""Reads and checks the workflows that callers send; runs in a worker process."""

from dataclasses import dataclass
from typing import TypeAlias

from services.testdata.traces.normalise import normalised
from services.testdata.traces.validation import faults
from services.testdata.traces.workflow import Workflow
from services.testdata.traces.workflow_yaml import BadWorkflowYaml, read_yaml, write_yaml
from shared.errors import Violation

MAX_BYTES = 3 << 19
"""The largest workflow as YAML, so that the YAML and the message fit into one response."""
LISTED_FAULTS = 100
"""The most faults in one error; more do not fit into the headers of a response."""


@dataclass(frozen=True, slots=True)
class YamlText:
    """A workflow as YAML."""

    text: str


Given: TypeAlias = Workflow | YamlText
"""A workflow in a request."""


@dataclass(frozen=True, slots=True)
class Faults:
    """The faults of a workflow. count: the number of all. listed: the first ones."""

    count: int
    listed: tuple[Violation, ...]


def read(given: Given, path: str) -> Workflow | Faults:
    """The workflow, checked and normalised, or its faults. path: of the source in the request."""
    field = f"{path}.yaml" if isinstance(given, YamlText) else f"{path}.spec"
    try:
        workflow = read_yaml(given.text) if isinstance(given, YamlText) else given
    except BadWorkflowYaml as bad:
        at_path = [Violation(f"{field}.{one.field}".rstrip("."), one.description) for one in bad.violations]
        return _listed(at_path)
    if found := faults(workflow, field):
        return _listed(found)
    workflow = normalised(workflow)
    if (size := len(write_yaml(workflow).encode())) > MAX_BYTES:
        return _listed([Violation(field, f"It has {size:,} bytes as YAML; {MAX_BYTES:,} are allowed.")])
    return workflow


def _listed(violations: list[Violation]) -> Faults:
    return Faults(len(violations), tuple(violations[:LISTED_FAULTS]))
