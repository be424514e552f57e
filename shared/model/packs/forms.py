"""How a pack looks as a document: the keys of each of its parts, from which packs are read and written.

Keys are the names of the fields in `model.py`. Entities, fields, rules, edge cases, workflows, steps and scenarios are
mappings by name or id, in their order; relationships and constraints are lists.
"""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from enum import Enum, StrEnum
from functools import cached_property
from typing import Any

from shared.model.packs.model import (
    Category,
    Constraint,
    EdgeCase,
    Entity,
    Field,
    FieldType,
    Pack,
    Relationship,
    Rule,
    Scenario,
    Severity,
    Support,
    Workflow,
    WorkflowStep,
)


class Kind(Enum):
    """A value that is not a part: what it should be, in words."""

    TEXT = "text"
    FLAG = "true or false"
    COUNT = "a whole number from 0 to 2,147,483,647"
    WEIGHT = "a number from 0"
    ANY = "a value"
    NAMES = "a name or a list of names"
    SETS = "a list of lists of names"
    VALUES = "a list of values"


@dataclass(frozen=True)
class Form:
    """How a part looks.

    what: the part in sentences. members: its keys, each with a kind, the values to choose from, or the form of the
    parts inside. named_by: the field that is the key of the part in a mapping; "" if such parts are a list.
    alone: there is one such part, not several.
    """

    part: type
    what: str
    members: "Mapping[str, Kind | type[StrEnum] | Form]"
    named_by: str = ""
    alone: bool = False

    @cached_property
    def defaults(self) -> Mapping[str, Any]:
        """The values of members that are not given; others must be."""
        return {one.name: one.default for one in fields(self.part) if one.default is not MISSING}


_SUPPORT = Form(Support, "The support", {"held": Kind.COUNT, "seen": Kind.COUNT}, alone=True)
_FIELD = Form(
    Field,
    "A field",
    {
        "type": FieldType,
        "description": Kind.TEXT,
        "unit": Kind.TEXT,
        "currency": Kind.TEXT,
        "nullable": Kind.FLAG,
        "unique": Kind.FLAG,
        "minimum": Kind.ANY,
        "maximum": Kind.ANY,
        "exclusive_minimum": Kind.FLAG,
        "exclusive_maximum": Kind.FLAG,
        "min_length": Kind.COUNT,
        "max_length": Kind.COUNT,
        "pattern": Kind.TEXT,
        "format": Kind.TEXT,
        "precision": Kind.COUNT,
        "scale": Kind.COUNT,
        "values": Kind.VALUES,
        "default": Kind.ANY,
        "example": Kind.ANY,
        "derived": Kind.TEXT,
        "json_schema": Kind.ANY,
        "generated": Kind.FLAG,
        "support": _SUPPORT,
    },
    named_by="name",
)
_ENTITY = Form(
    Entity,
    "An entity",
    {
        "description": Kind.TEXT,
        "key": Kind.NAMES,
        "uniques": Kind.SETS,
        "fields": _FIELD,
        "origin": Kind.TEXT,
    },
    named_by="name",
)
_RELATIONSHIP = Form(
    Relationship,
    "A relationship",
    {
        "child": Kind.TEXT,
        "child_fields": Kind.NAMES,
        "parent": Kind.TEXT,
        "parent_fields": Kind.NAMES,
        "child_name": Kind.TEXT,
        "parent_name": Kind.TEXT,
        "minimum": Kind.COUNT,
        "maximum": Kind.COUNT,
        "required": Kind.FLAG,
        "proposed": Kind.FLAG,
        "support": _SUPPORT,
        "origin": Kind.TEXT,
    },
)
_RULE = Form(
    Rule,
    "A rule",
    {
        "entity": Kind.TEXT,
        "text": Kind.TEXT,
        "severity": Severity,
        "expression": Kind.TEXT,
        "proposed": Kind.FLAG,
        "support": _SUPPORT,
        "origin": Kind.TEXT,
    },
    named_by="id",
)
_EDGE_CASE = Form(
    EdgeCase,
    "An edge case",
    {
        "entity": Kind.TEXT,
        "category": Category,
        "text": Kind.TEXT,
        "field": Kind.TEXT,
        "value": Kind.ANY,
    },
    named_by="id",
)
_STEP = Form(
    WorkflowStep,
    "A step",
    {"text": Kind.TEXT, "entity": Kind.TEXT, "validations": Kind.NAMES, "outcomes": Kind.NAMES},
    named_by="id",
)
_WORKFLOW = Form(Workflow, "A workflow", {"text": Kind.TEXT, "entities": Kind.NAMES, "steps": _STEP}, named_by="id")
_CONSTRAINT = Form(
    Constraint,
    "A constraint",
    {
        "entity": Kind.TEXT,
        "field": Kind.TEXT,
        "minimum": Kind.ANY,
        "maximum": Kind.ANY,
        "exclusive_minimum": Kind.FLAG,
        "exclusive_maximum": Kind.FLAG,
        "min_length": Kind.COUNT,
        "max_length": Kind.COUNT,
        "pattern": Kind.TEXT,
        "values": Kind.VALUES,
        "nullable": Kind.FLAG,
    },
)
_SCENARIO = Form(
    Scenario,
    "A scenario",
    {
        "text": Kind.TEXT,
        "workflow": Kind.TEXT,
        "entities": Kind.NAMES,
        "weight": Kind.WEIGHT,
        "edge_cases": Kind.NAMES,
        "constraints": _CONSTRAINT,
    },
    named_by="id",
)
PACK = Form(
    Pack,
    "A pack",
    {
        "display_name": Kind.TEXT,
        "description": Kind.TEXT,
        "entities": _ENTITY,
        "relationships": _RELATIONSHIP,
        "rules": _RULE,
        "edge_cases": _EDGE_CASE,
        "workflows": _WORKFLOW,
        "scenarios": _SCENARIO,
    },
    alone=True,
)
"""The form of a whole pack."""
