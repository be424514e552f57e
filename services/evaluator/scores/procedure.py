"""What scores need of a procedure's revision."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from services.evaluator.scores.model import Part
from shared.model.events import Json
from shared.model.expectations import Expectation, read_expectations

Times = dict[tuple[str, str], int]
"""How often each part was reached, by kind and part."""


@dataclass(frozen=True, slots=True)
class StepPart:
    """A step. label: its index, and its id if it has one. tool: of a `call`; then, otherwise: of a `branch`."""

    label: str
    id: str
    tool: str = ""
    branch: bool = False
    then: str = ""
    otherwise: str = ""


@dataclass(frozen=True)
class ProcedureParts:
    """The steps, the tools with their arguments schemas, and the expectations of a revision."""

    steps: tuple[StepPart, ...] = ()
    tools: Mapping[str, Mapping[str, Json] | None] | None = None
    expectations: tuple[Expectation, ...] = ()

    @classmethod
    def read(cls, revision: Mapping[str, Any]) -> "ProcedureParts":
        """The parts of a revision in proto JSON with the field names of the proto."""
        steps = tuple(_step(number, step) for number, step in enumerate(revision.get("steps", ())))
        tools = {tool["name"]: tool.get("arguments_schema") for tool in revision.get("tools", ())}
        return cls(steps, tools, read_expectations(revision.get("expectations", ())))

    @cached_property
    def parts(self) -> tuple[tuple[str, str], ...]:
        """(kind, part) of everything that a conversation can cover, in order."""
        steps = [("STEP", step.label) for step in self.steps]
        ways = [("BRANCH", f"{step.label} {way}") for step in self.steps if step.branch for way in _WAYS]
        return (*steps, *ways, *(("TOOL", tool) for tool in self.tools or ()))

    @cached_property
    def _places(self) -> Mapping[str, int]:
        return {step.id: place for place, step in enumerate(self.steps) if step.id}

    def way(self, branch: int, following: int) -> str | None:
        """The way out of a branch that leads to the step that follows; None if no way does."""
        step = self.steps[branch]
        if self._places.get(step.then) == following:
            return "then"
        otherwise = self._places.get(step.otherwise) if step.otherwise else branch + 1
        return "otherwise" if otherwise == following else None


_WAYS = ("then", "otherwise")


def _step(number: int, step: Mapping[str, Any]) -> StepPart:
    name = step.get("id", "")
    label = f"{number} {name}" if name else str(number)
    branch, call = step.get("branch"), step.get("call", {})
    if branch is not None:
        return StepPart(label, name, "", True, branch.get("then", ""), branch.get("otherwise", ""))
    return StepPart(label, name, call.get("tool", ""))


def covered(parts: Sequence[tuple[str, str]], times: Times) -> tuple[Part, ...]:
    """How often each part was reached: first those of the procedure, 0 for one that was not, then the others."""
    return tuple(Part(*one, times.get(one, 0)) for one in dict.fromkeys([*parts, *times]))
