"""Checks a revision: each step and tool by itself, and the references between them."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from services.synthesizer.procedures.schemas import schema_error
from shared.errors import Violation
from shared.llm.builtin_tools import AGENT_TOOLS
from shared.model.conditions import Conditions
from shared.model.events import Json
from shared.model.expectations import ExpectationsInvalid, check_expectations, read_expectations
from shared.model.steps import CheckContext, Step, Tool
from shared.yaml import near

_ID = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_TOOL = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,127}")
RESERVED_TOOLS = frozenset(tool.name for tool in AGENT_TOOLS)
"""The tools that every procedure agent has."""


def check_revision(
    steps: Sequence[Step],
    tools: Sequence[Tool],
    expectations: Sequence[Mapping[str, Json]] = (),
    path: str = "revision",
) -> list[Violation]:
    """Everything that is wrong with the tools, steps and expectations, in their order; empty if nothing is.

    path: prefix of the fields' paths, such as `revision` in `revision.steps[3].branch.condition`.
    """
    prefix = f"{path}." if path else ""
    return [
        *_check_tools(tools, f"{prefix}tools"),
        *_check_steps(steps, tools, f"{prefix}steps"),
        *_check_expectations(expectations, tools, f"{prefix}expectations"),
    ]


def _check_expectations(
    expectations: Sequence[Mapping[str, Json]], tools: Sequence[Tool], path: str
) -> Sequence[Violation]:
    try:
        check_expectations(read_expectations(expectations), {tool.name: tool.arguments_schema for tool in tools}, path)
    except ExpectationsInvalid as wrong:
        return wrong.violations
    return ()


def _check_tools(tools: Sequence[Tool], path: str) -> Iterator[Violation]:
    seen: set[str] = set()
    for number, tool in enumerate(tools):
        field = f"{path}[{number}]"
        if not _TOOL.fullmatch(tool.name):
            yield Violation(f"{field}.name", "A tool's name is a letter, then letters, digits, `_`, `.` or `-`.")
        elif tool.name in RESERVED_TOOLS:
            yield Violation(f"{field}.name", f"Every agent has the tool `{tool.name}` already; choose another name.")
        elif tool.name in seen:
            yield Violation(f"{field}.name", f"There is a tool `{tool.name}` already; names are unique.")
        seen.add(tool.name)
        for name, schema in (("arguments_schema", tool.arguments_schema), ("result_schema", tool.result_schema)):
            if sentence := schema_error(schema):
                yield Violation(f"{field}.{name}", sentence)
        if tool.arguments_schema.get("type", "object") != "object":
            yield Violation(f"{field}.arguments_schema.type", "The arguments of a tool are an `object`.")


def _check_steps(steps: Sequence[Step], tools: Sequence[Tool], path: str) -> Iterator[Violation]:
    ids = Counter(step.id for step in steps if step.id)
    slots = list(dict.fromkeys(slot for step in steps for slot in step.fills))
    context = CheckContext(ids, slots, {tool.name: tool for tool in tools}, Conditions(slots), schema_error, near)
    for number, step in enumerate(steps):
        field = f"{path}[{number}]"
        if step.id and not _ID.fullmatch(step.id):
            yield Violation(f"{field}.id", "A step's id is a small letter, then small letters, digits, `_` or `-`.")
        elif step.id and ids[step.id] > 1:
            yield Violation(f"{field}.id", f"The id `{step.id}` names {ids[step.id]} steps; ids are unique.")
        for wrong in step.check(context):
            yield replace(wrong, field=f"{field}.{step.kind}.{wrong.field}")
