"""Checks that a JSON Schema is valid and can be applied in bounded time."""

import re
from collections.abc import Callable, Mapping
from math import inf

from shared.model.events import Json
from shared.patterns import compile_pattern
from shared.words import any_of

MAX_PARTS = 500
"""The most subschemas of a schema; a `$ref` counts as all subschemas that it refers to."""
MAX_DEPTH = 32
"""The deepest nesting of subschemas."""

_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
_REFERENCE = re.compile(r"#/(\$defs|definitions)/([\w.-]+)", re.ASCII)


class BadSchema(ValueError):
    """The schema cannot be used; the message is one sentence that says why and what would be right."""


def check_schema(schema: Json) -> None:
    """Check a schema, draft 2020-12. Raises BadSchema, BadPattern."""
    _Check(schema).visit(schema, ())


def _is_number(value: Json, least: float = -inf) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= least


def _is_count(value: Json) -> bool:
    return _is_number(value, 0) and float(value).is_integer()


def _is_names(value: Json) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _is_type(value: Json) -> bool:
    return (
        value in _TYPES if isinstance(value, str) else _is_names(value) and 0 < len(value) == len({*value} & {*_TYPES})
    )


def _is_names_by_name(value: Json) -> bool:
    return isinstance(value, Mapping) and all(map(_is_names, value.values()))


Rule = tuple[Callable[[Json], bool], str]
_TEXT: Rule = (lambda value: isinstance(value, str), "text")
_FLAG: Rule = (lambda value: isinstance(value, bool), "true or false")
_COUNT: Rule = (_is_count, "a whole number from 0")
_NUMBER: Rule = (_is_number, "a number")
_LIST: Rule = (lambda value: isinstance(value, list), "a list")

_WANTED: Mapping[str, Rule] = {
    **dict.fromkeys(("$comment", "$id", "$ref", "$schema", "description", "format", "pattern", "title"), _TEXT),
    **dict.fromkeys(("deprecated", "readOnly", "uniqueItems", "writeOnly"), _FLAG),
    **dict.fromkeys(("minContains", "minItems", "minLength", "minProperties"), _COUNT),
    **dict.fromkeys(("maxContains", "maxItems", "maxLength", "maxProperties"), _COUNT),
    **dict.fromkeys(("exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum"), _NUMBER),
    **dict.fromkeys(("enum", "examples"), _LIST),
    "multipleOf": (lambda value: _is_number(value) and value > 0, "a number above 0"),
    "required": (_is_names, "a list of names"),
    "dependentRequired": (_is_names_by_name, "an object whose members are lists of names"),
    "type": (_is_type, f"one of {any_of(_TYPES)}, or a list of some of them"),
}
"""By keyword: a test of its value, and the right value in words. Other keywords may have any value."""

_SCHEMA = frozenset(("additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "then"))
_SCHEMAS = frozenset(("allOf", "anyOf", "oneOf", "prefixItems"))
_SCHEMAS_BY_NAME = frozenset(("$defs", "definitions", "dependentSchemas", "patternProperties", "properties"))

_REFUSED: Mapping[str, str] = {
    "$dynamicRef": "use `$ref`",
    "unevaluatedItems": "use `items`",
    "unevaluatedProperties": "use `additionalProperties`",
}
"""Keywords that cannot be checked in bounded time, and what to use instead."""


class _Check:
    """Walks over a schema once and follows each `$ref`, as the check of a value does."""

    def __init__(self, root: Json) -> None:
        self.root = root
        self.parts = 0

    def visit(self, schema: Json, path: tuple[str, ...], within: tuple[str, ...] = (), depth: int = 0) -> None:
        """Check a subschema. path: to the subschema, for messages. within: the references followed so far."""
        if isinstance(schema, bool):
            return
        if not isinstance(schema, Mapping):
            raise BadSchema(f"The schema is not valid{_at(path)}: it should be an object, true or false.")
        self.parts += 1
        if self.parts > MAX_PARTS:
            raise BadSchema(f"The schema has more than {MAX_PARTS} subschemas, each `$ref` counted; make it smaller.")
        if depth > MAX_DEPTH:
            raise BadSchema(f"The schema is nested more than {MAX_DEPTH} deep; make it flatter.")
        for keyword, value in schema.items():
            self._check_keyword(keyword, value, path)
            if keyword == "$ref":
                self._follow(value, path, within, depth)
            for place, inner in _subschemas(keyword, value, path):
                self.visit(inner, place, within, depth + 1)

    def _check_keyword(self, keyword: str, value: Json, path: tuple[str, ...]) -> None:
        if keyword in _WANTED:
            fits, wanted = _WANTED[keyword]
            if not fits(value):
                raise BadSchema(f"The schema is not valid{_at((*path, keyword))}: it should be {wanted}.")
        if keyword in _REFUSED:
            raise BadSchema(f"The schema has `{keyword}`{_at(path)}; {_REFUSED[keyword]}.")
        if keyword in ("$id", "$schema") and path:
            raise BadSchema(f"The schema has `{keyword}`{_at(path)}; only the whole schema may have it.")
        if keyword == "pattern":
            compile_pattern(value)
        if keyword == "patternProperties" and isinstance(value, Mapping):
            for pattern in value:
                compile_pattern(pattern)

    def _follow(self, reference: str, path: tuple[str, ...], within: tuple[str, ...], depth: int) -> None:
        found = _REFERENCE.fullmatch(reference)
        definitions = self.root.get(found[1]) if found else None
        if not found or not isinstance(definitions, Mapping) or found[2] not in definitions:
            raise BadSchema(f"The schema refers to {reference!r}{_at(path)}; a `$ref` is `#/$defs/` and a name there.")
        if reference in within:
            raise BadSchema(f"The schema refers to itself{_at(path)}; write out as many levels as are needed.")
        self.visit(definitions[found[2]], (found[1], found[2]), (*within, reference), depth + 1)


def _subschemas(keyword: str, value: Json, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], Json]]:
    place = (*path, keyword)
    if keyword in _SCHEMA:
        return [(place, value)]
    if keyword in _SCHEMAS:
        if not isinstance(value, list) or not (value or keyword == "prefixItems"):
            raise BadSchema(f"The schema is not valid{_at(place)}: it should be a list of schemas.")
        return [((*place, str(number)), inner) for number, inner in enumerate(value)]
    if keyword in _SCHEMAS_BY_NAME:
        if not isinstance(value, Mapping):
            raise BadSchema(f"The schema is not valid{_at(place)}: it should be an object of schemas.")
        return [((*place, name), inner) for name, inner in value.items()]
    return []


def _at(path: tuple[str, ...]) -> str:
    return f" at {'/'.join(path)}" if path else ""
