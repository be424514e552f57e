"""Workflows as callers give them: by name, as they are, or as YAML; run where it may take its time."""

from dataclasses import dataclass
from typing import TypeAlias

from services.testdata.traces.normalise import normalised
from services.testdata.traces.validation import faults
from services.testdata.traces.workflow import Workflow
from services.testdata.traces.workflow_yaml import BadWorkflowYaml, read_yaml, write_yaml
from shared.errors import Violation

MAX_BYTES = 3 << 19
"""What a workflow comes to as YAML at most, so that it and its message fit into one answer."""
LISTED_FAULTS = 100
"""How many faults are told of; more do not fit into an answer's headers."""


@dataclass(frozen=True, slots=True)
class YamlText:
    """A workflow as YAML."""

    text: str


Given: TypeAlias = Workflow | YamlText
"""A workflow that comes with a call."""


@dataclass(frozen=True, slots=True)
class Faults:
    """What is wrong with a given workflow. count: of all of them. listed: the first ones."""

    count: int
    listed: tuple[Violation, ...]


def read(given: Given, path: str) -> Workflow | Faults:
    """The workflow, right and normalised, or its faults. path: of the message's field that gives it."""
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
        return _listed([Violation(field, f"It comes to {size:,} bytes as YAML; {MAX_BYTES:,} are allowed.")])
    return workflow


def _listed(violations: list[Violation]) -> Faults:
    return Faults(len(violations), tuple(violations[:LISTED_FAULTS]))
