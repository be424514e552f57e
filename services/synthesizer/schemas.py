"""JSON Schemas (draft 2020-12) of tools and slots: checked when saved, compiled once, applied to values."""

import json
import re
from collections.abc import Iterator
from functools import lru_cache

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, best_match
from referencing.exceptions import Unresolvable

from shared.model.events import Json
from shared.model.steps import Schema

MAX_SCHEMA = 64 * 1024
"""Bytes of JSON that a schema may have."""


def schema_error(schema: Schema) -> str | None:
    """What is wrong with a schema, one sentence, or None. References must stay within it: nothing is fetched."""
    text = json.dumps(schema)
    if len(text) > MAX_SCHEMA:
        return f"The schema has {len(text):,} bytes; up to {MAX_SCHEMA:,} are allowed."
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        place = "/".join(str(part) for part in error.absolute_path)
        return f"The schema is not valid JSON Schema{f' at {place}' if place else ''}: {_short(error.message)}."
    except RecursionError:
        return "The schema is nested too deeply."
    if outside := sorted(_references(schema)):
        return f"The schema refers to {outside[0]!r}; references must begin with #."
    return next(filter(None, map(_pattern_error, _patterns(schema))), None)


def _patterns(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("pattern"), str):
            yield value["pattern"]
        if isinstance(value.get("patternProperties"), dict):
            yield from value["patternProperties"]
        for member in value.values():
            yield from _patterns(member)
    elif isinstance(value, list):
        for item in value:
            yield from _patterns(item)


# A repeat without end, and one that holds another: `(a+)+` may take for ever on a text of thirty characters.
_NESTED_REPEAT = re.compile(r"\([^()]*[^\\()](?:[*+]|\{\d+,\})[^()]*\)(?:[*+]|\{\d+,\d*\})")


def _pattern_error(pattern: str) -> str | None:
    if len(pattern) > 500:
        return f"The pattern {_short(pattern)!r} is longer than 500 characters."
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return f"The pattern {pattern!r} is no regular expression."
    if _NESTED_REPEAT.search(pattern):
        return f"The pattern {pattern!r} repeats what repeats, which may take for ever; write it without."
    return None


def _references(value: Json) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) and not value["$ref"].startswith("#") else set()
        return own.union(*(_references(member) for member in value.values()))
    if isinstance(value, list):
        return set().union(*(_references(item) for item in value))
    return set()


def value_error(schema: Schema, value: Json, name: str) -> str | None:
    """How a value contradicts a schema, one sentence that calls it `name`, or None."""
    if not schema:
        return None
    return _value_error(json.dumps(schema, sort_keys=True), json.dumps(value, sort_keys=True), name)


# A batch checks the same few calls over and over; a validator takes ten times what writing the value out does.
@lru_cache(maxsize=4096)
def _value_error(schema: str, value: str, name: str) -> str | None:
    try:
        error = best_match(_validator(schema).iter_errors(json.loads(value)))
    except (Unresolvable, RecursionError):
        return f"{name} cannot be checked: its schema refers to what is not there, or to itself without end."
    if error is None:
        return None
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
    return f"{name}{place}: {_short(error.message)}."


@lru_cache(maxsize=1024)
def _validator(schema: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads(schema))


def _short(message: str) -> str:
    return message if len(message) <= 300 else f"{message[:300]}…"
