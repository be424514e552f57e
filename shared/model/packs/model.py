"""A domain pack: the entities, relationships, rules, edge cases, workflows and scenarios of one business.

Values of fields (bounds, examples, defaults, enumerations) are JSON values. Dates and times are text in ISO 8601,
durations are text such as `3 days`, and money is an integer of minor units with the currency of its field.
"""

from dataclasses import dataclass
from enum import StrEnum

from shared.model.events import Json

MAX_PACK = 4 << 20
"""Bytes at most of a pack as YAML."""


ARRAY = "array"
"""The format of a JSON list that SQL writes as an array."""

HAPPY_PATH, EDGE_CASES, SECURITY_TESTING = "happy_path", "edge_cases", "security_testing"
SCENARIOS = (HAPPY_PATH, EDGE_CASES, SECURITY_TESTING)
"""Scenarios that every pack has, also if it does not name them."""


class FieldType(StrEnum):
    """What values a field has. MONEY is an integer of minor units; IDENTIFIER is text or an integer that only names."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    MONEY = "money"
    DATE = "date"
    TIME = "time"
    DATETIME = "datetime"
    DURATION = "duration"
    IDENTIFIER = "identifier"
    JSON = "json"


class Severity(StrEnum):
    """ERROR: a record that breaks the rule is wrong. WARNING: it is doubtful. INFO: worth knowing."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Category(StrEnum):
    """The kind of an edge case."""

    BOUNDARY = "boundary"
    INVALID = "invalid"
    SECURITY = "security"
    CONCURRENCY = "concurrency"
    LOCALISATION = "localisation"


@dataclass(frozen=True, slots=True)
class Support:
    """How well sample rows support what was read from them: it held in `held` of `seen` rows."""

    held: int
    seen: int


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an entity.

    currency: an ISO 4217 code, or the name of the field that has it; only for money.
    minimum, maximum: the bounds of the value, inclusive unless exclusive_minimum or exclusive_maximum.
    min_length, max_length: bounds of a text in characters; max_length is None without a bound.
    pattern: RE2 that the whole text matches. format: such as `email`, `phone`, `url`, `uuid`, `country`.
    precision, scale: digits of a number in all, and after the point; None if not bounded.
    values: the only values it takes; empty: any.
    derived: an expression of the rule language that gives the value; empty if it is not derived.
    json_schema: a JSON Schema of the values of json; `{"$ref": "#/entities/tag"}` is a record of the entity `tag`.
    generated: a database gives the value, so SQL leaves it out: a derived field, or a number that counts up.
    """

    name: str
    type: FieldType = FieldType.TEXT
    description: str = ""
    unit: str = ""
    currency: str = ""
    nullable: bool = False
    unique: bool = False
    minimum: Json = None
    maximum: Json = None
    exclusive_minimum: bool = False
    exclusive_maximum: bool = False
    min_length: int = 0
    max_length: int | None = None
    pattern: str = ""
    format: str = ""
    precision: int | None = None
    scale: int | None = None
    values: tuple[Json, ...] = ()
    default: Json = None
    example: Json = None
    derived: str = ""
    json_schema: Json = None
    generated: bool = False
    support: Support | None = None


@dataclass(frozen=True, slots=True)
class Entity:
    """A kind of record. key: the fields that identify it. uniques: further sets of fields that no two records share.

    origin: where it was found, such as `line 12` or `#/components/schemas/Pet`; empty in a pack that people wrote.
    """

    name: str
    description: str = ""
    fields: tuple[Field, ...] = ()
    key: tuple[str, ...] = ()
    uniques: tuple[tuple[str, ...], ...] = ()
    origin: str = ""

    def field(self, name: str) -> Field | None:
        """Its field with this name."""
        return next((field for field in self.fields if field.name == name), None)


@dataclass(frozen=True, slots=True)
class Relationship:
    """Each record of `child` refers to one record of `parent` by the fields `child_fields`.

    parent_fields: the fields of the parent that they equal, in the same order.
    child_name: what the parent calls its children in rules, such as `items`.
    parent_name: what the child calls its parent.
    minimum, maximum: how many children a parent has; maximum is None without a bound.
    required: every child has a parent. proposed: nothing declares it; names or values suggest it.
    """

    child: str
    child_fields: tuple[str, ...]
    parent: str
    parent_fields: tuple[str, ...]
    child_name: str = ""
    parent_name: str = ""
    minimum: int = 0
    maximum: int | None = None
    required: bool = True
    proposed: bool = False
    support: Support | None = None
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """A business rule of one entity.

    expression: in the rule language; empty if the rule is only words. proposed: values suggest it, nothing declares it.
    """

    id: str
    entity: str
    text: str
    severity: Severity = Severity.ERROR
    expression: str = ""
    proposed: bool = False
    support: Support | None = None
    origin: str = ""


@dataclass(frozen=True, slots=True)
class EdgeCase:
    """A case that tests should have. field: empty if it is about the whole entity. value: an example, or None."""

    id: str
    entity: str
    category: Category
    text: str
    field: str = ""
    value: Json = None


@dataclass(frozen=True, slots=True)
class WorkflowStep:
    """One step: what is done, what must be true before, and how it may end."""

    id: str
    text: str
    entity: str = ""
    validations: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Workflow:
    """How the business does something, step by step."""

    id: str
    text: str
    entities: tuple[str, ...] = ()
    steps: tuple[WorkflowStep, ...] = ()


@dataclass(frozen=True, slots=True)
class Constraint:
    """What a scenario or a caller asks of one field, beside what its entity says. Unset members ask nothing."""

    entity: str
    field: str
    minimum: Json = None
    maximum: Json = None
    exclusive_minimum: bool = False
    exclusive_maximum: bool = False
    min_length: int = 0
    max_length: int | None = None
    pattern: str = ""
    values: tuple[Json, ...] = ()
    nullable: bool | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """A named situation. weight: its share among the scenarios of the pack, at least 0.

    edge_cases: ids of the edge cases that belong to it.
    """

    id: str
    text: str
    workflow: str = ""
    entities: tuple[str, ...] = ()
    weight: float = 1.0
    edge_cases: tuple[str, ...] = ()
    constraints: tuple[Constraint, ...] = ()


@dataclass(frozen=True, slots=True)
class Pack:
    """What one business knows. Names of entities and ids of its other parts are unique among their kind."""

    display_name: str
    description: str = ""
    entities: tuple[Entity, ...] = ()
    relationships: tuple[Relationship, ...] = ()
    rules: tuple[Rule, ...] = ()
    edge_cases: tuple[EdgeCase, ...] = ()
    workflows: tuple[Workflow, ...] = ()
    scenarios: tuple[Scenario, ...] = ()

    def entity(self, name: str) -> Entity | None:
        """Its entity with this name."""
        return next((entity for entity in self.entities if entity.name == name), None)
