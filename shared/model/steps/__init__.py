"""The structured part of a procedure's revision: what an agent must do, step by step, and the tools it may call.

A kind of step is one file here, a line in `KINDS`, and a message in procedure.proto.
"""

from collections.abc import Mapping
from dataclasses import asdict

from shared.model.events import Json
from shared.model.steps.actions import Player
from shared.model.steps.ask import Ask
from shared.model.steps.base import CheckContext, Schema, Step, Tool
from shared.model.steps.branch import Branch
from shared.model.steps.call import Call
from shared.model.steps.end import End
from shared.model.steps.say import Say

KINDS: Mapping[str, type[Step]] = {kind.kind: kind for kind in (Say, Ask, Call, Branch, End)}
"""The kinds of steps by name."""

__all__ = ["KINDS", "Ask", "Branch", "Call", "CheckContext", "End", "Player", "Say", "Schema", "Step", "Tool"]


def step_json(step: Step) -> dict[str, Json]:
    """The step as a JSON object, as it is stored."""
    return {"kind": step.kind, **asdict(step)}


def read_step(record: Mapping[str, Json]) -> Step:
    """The inverse of `step_json`."""
    return KINDS[record["kind"]](**{name: value for name, value in record.items() if name != "kind"})
