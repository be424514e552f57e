"""Schemas, and values that contradict them, are checked in bounded time."""

import time
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from services.synthesizer.procedures.schema_checks import MAX_DEPTH
from services.synthesizer.procedures.schemas import MAX_SCHEMA, schema_error, value_error
from services.synthesizer.tool_configs.checks import check_tool_config
from services.synthesizer.tool_configs.model import ToolConfig, ToolMock, ToolRule
from shared.model.events import Json, ToolAnswer
from shared.model.steps import Tool

SOON = 2.0
"""Seconds that a check may take on a busy machine; without a bound, these would take hours."""


def chain(links: int) -> dict[str, Json]:
    """Definitions that each refer to the next one twice."""
    twice = {f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(links)}
    return {"$ref": "#/$defs/d0", "$defs": {**twice, f"d{links}": {"type": "string"}}}


def nested(keyword: str, levels: int) -> dict[str, Json]:
    schema: dict[str, Json] = {}
    for _ in range(levels):
        schema = {keyword: schema}
    return schema


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ({"type": "sting"}, "at type: it should be one of array, boolean,"),
        ({"properties": {"a": {"type": ["string", "string"]}}}, "at properties/a/type"),
        ({"minLength": -1}, "at minLength: it should be a whole number from 0"),
        ({"maxItems": 1.5}, "whole number"),
        ({"minimum": "1"}, "it should be a number"),
        ({"multipleOf": 0}, "a number above 0"),
        ({"required": "a"}, "a list of names"),
        ({"required": ["a", 1] * 5_000}, "a list of names"),
        ({"dependentRequired": {"a": "b"}}, "lists of names"),
        ({"enum": "a"}, "at enum: it should be a list"),
        ({"uniqueItems": 1}, "true or false"),
        ({"pattern": 1}, "at pattern: it should be text"),
        ({"properties": []}, "at properties: it should be an object of schemas"),
        ({"anyOf": []}, "at anyOf: it should be a list of schemas"),
        ({"items": [{}]}, "at items: it should be an object, true or false"),
        ({"pattern": "("}, "missing )"),
        ({"pattern": "(?=a)b"}, "without look-around and back references"),
        ({"patternProperties": {r"(a)\1": {}}}, "without look-around and back references"),
        ({"pattern": r"(\pL{30}){30}"}, "make them smaller"),
        ({"pattern": "a" * 501}, "up to 500"),
        ({"pattern": "\ud800"}, "surrogate"),
        ({"$ref": "http://example.com/x"}, "`#/$defs/` and a name"),
        ({"$ref": "#"}, "`#/$defs/` and a name"),
        ({"$ref": "#/$defs/b", "$defs": {"a": {}}}, "`#/$defs/` and a name"),
        ({"$ref": "#/enum/0", "enum": [{"pattern": "("}]}, "`#/$defs/` and a name"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}}, "refers to itself at $defs/a/items"),
        ({"$dynamicRef": "#a"}, "use `$ref`"),
        ({"unevaluatedProperties": False}, "use `additionalProperties`"),
        ({"properties": {"a": {"$schema": "http://json-schema.org/draft-07/schema#"}}}, "only the whole schema"),
        (chain(12), "more than 500 subschemas"),
        (nested("not", MAX_DEPTH + 1), "deep; make it flatter"),
        (nested("not", 900), "deep; make it flatter"),
        ({"default": nested("x", 3000)}, "nested too deeply"),
        ({"description": "x" * MAX_SCHEMA}, "characters; up to 65,536"),
    ],
)
def test_an_invalid_schema_is_refused_with_what_would_be_right(schema: Any, says: str) -> None:
    before = time.process_time()
    assert says in (schema_error(schema) or "")
    assert time.process_time() - before < SOON


@pytest.mark.parametrize(
    "schema",
    [
        {"$schema": "http://json-schema.org/draft-07/schema#", "$id": "http://[", "type": ["string", "null"]},
        {"properties": {"pattern": {"type": "string"}, "$ref": True}, "required": ["pattern", "pattern"]},
        {"enum": [{"pattern": "("}, 1], "x-ours": {"type": "sting"}, "minLength": 3.0},
        chain(4),
        {"pattern": r"^[a-z0-9._%+-]{1,64}@[a-z0-9.-]+\.[\p{L}]+$"},
    ],
)
def test_a_valid_schema_is_accepted_and_can_be_applied(schema: Any) -> None:
    assert schema_error(schema) is None
    assert "cannot be checked" not in (value_error(schema, {"pattern": "x"}, "it") or "")


@pytest.mark.parametrize(
    ("schema", "value", "says"),
    [
        ({"pattern": r"^LH-\d{5}$"}, "LH-123", "it: 'LH-123' does not match the pattern"),
        ({"pattern": "^a$"}, "a\n", "does not match"),
        ({"patternProperties": {"^a": {"type": "string"}}}, {"ab": 1, "b": 1}, "it.ab: 1 is not of type 'string'"),
        (
            {"properties": {"a": True}, "patternProperties": {"^b": {}}, "additionalProperties": False},
            {"a": 1, "b": 2, "c": 3},
            "it: 'c' should not be there",
        ),
        ({"additionalProperties": {"type": "string"}}, {"a": 1}, "it.a: 1 is not of type 'string'"),
        ({"uniqueItems": True}, [1, {"a": [1]}, {"a": [1.0]}], "has an item twice"),
        ({"enum": [1, "a"]}, True, "is not one of"),
        ({"const": {"a": 1}}, {"a": 2}, "was expected"),
        ({"items": {"$ref": "#/$defs/n"}, "$defs": {"n": {"minimum": 3}}}, [3, 2], "it[1]: 2 is less than"),
    ],
)
def test_the_error_names_the_part_of_a_value_that_contradicts_its_schema(schema: Any, value: Json, says: str) -> None:
    assert schema_error(schema) is None
    assert says in (value_error(schema, value, "it") or "")


VALUES: list[Json] = [0, 1, 1.0, True, False, None, "a", "ab", [], [1, True], [1, 1.0], [[1], [True]], {}, {"a": 1}]
VALUES += [{"a": "a", "b": 1}, [{"a": 1}, {"a": 1.0}], [{"a": 0}, {"a": False}], {"bc": []}]
SCHEMAS: list[dict[str, Json]] = [
    *({"enum": [value, "other"]} for value in VALUES),
    *({"const": value} for value in VALUES),
    {"uniqueItems": True},
    {"pattern": "a.?$"},
    {"patternProperties": {"^a": {"type": "string"}, "b": {"type": "integer"}}},
    {"properties": {"a": {}}, "patternProperties": {"^b": {}}, "additionalProperties": False},
    {"patternProperties": {"^b": {}}, "additionalProperties": {"type": "string"}},
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=str)
def test_our_own_keywords_decide_like_json_schema(schema: dict[str, Json]) -> None:
    theirs = Draft202012Validator(schema)
    for value in VALUES:
        assert (value_error(schema, value, "it") is None) == theirs.is_valid(value), value


LONG = "a" * 30_000
ROWS = [{"id": number, "of": [number]} for number in range(20_000)]


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        *(({"pattern": pattern}, f"{LONG}!") for pattern in ("((a+))+$", "(a|a)+$", "(.*a){20}$", "(.*a.{900})b")),
        ({"patternProperties": {"(.*a){20}$": False}}, {f"{LONG}!": 1}),
        ({"patternProperties": {"(.*a){20}$": {}}, "additionalProperties": False}, {f"{LONG}!": 1}),
        ({"uniqueItems": True}, [*ROWS, "x"]),
        ({"uniqueItems": True}, [[row] for row in ROWS]),
        ({"items": {"enum": [[number] * 50 for number in range(250)]}}, [[301] * 50] * 2_000),
        ({"items": {"enum": ["x" * 60_000]}}, [1] * 50_000),
        ({"anyOf": [{"type": "string"}] * 400}, ROWS),
        ({"items": {"anyOf": [{"required": ["no"]}] * 400}}, ROWS),
        ({"items": {"properties": {f"p{number}": {} for number in range(400)}}}, ROWS),
        (chain(5), ROWS),
        ({"contains": {"const": 5}}, list(range(6, 100_000))),
    ],
    ids=lambda part: str(part)[:60],
)
def test_every_check_takes_bounded_time(schema: Any, value: Json) -> None:
    assert schema_error(schema) is None
    before = time.process_time()
    value_error(schema, value, "it")
    assert time.process_time() - before < SOON


def test_a_value_that_takes_too_much_work_is_refused() -> None:
    schema = {"items": {"anyOf": [{"required": ["no"]}] * 400}}
    assert value_error(schema, ROWS, "it") == "it is too large to be checked against its schema; make either smaller."
    assert value_error({"type": "array"}, [1], "it") is None


def test_all_the_values_of_a_tool_config_share_one_bound() -> None:
    schema: dict[str, Json] = {"anyOf": [{"const": number} for number in range(400)]}
    tool = Tool("find", result_schema=schema)
    rules = tuple(ToolRule(ToolAnswer(f"no {number}"), {"id": number}) for number in range(2_000))
    before = time.process_time()
    violations = check_tool_config(ToolConfig((ToolMock("find", rules),)), [tool])
    assert time.process_time() - before < SOON
    assert "is not valid under any" in violations[0].description
    assert "too much work to check" in violations[-1].description
