"""Checks the JSON Schemas (draft 2020-12) of tools and slots, and values against them."""

import json
from functools import lru_cache
from typing import Any, cast

from jsonschema.exceptions import ValidationError, best_match

from services.synthesizer.procedures.schema_checks import BadSchema, check_schema
from services.synthesizer.procedures.schema_validator import SchemaValidator
from shared.model.events import Json
from shared.model.steps import Schema
from shared.model.work_budget import TooMuchWork, spend, work_budget
from shared.patterns import BadPattern
from shared.words import all_of
from shared.yaml import unknown_keys

MAX_SCHEMA = 64 * 1024
"""The most characters of a schema as JSON."""
_MAX_CACHED = 8 * 1024
"""The most characters of schema and value, as JSON, whose result is cached; larger ones would fill the memory."""


def schema_error(schema: Schema) -> str | None:
    """A sentence that says what is wrong with a schema and what would be right, or None."""
    try:
        length = len(json.dumps(schema))
        if length > MAX_SCHEMA:
            return f"The schema has {length:,} characters; up to {MAX_SCHEMA:,} are allowed."
        check_schema(schema)
    except (BadSchema, BadPattern) as bad:
        return str(bad)
    except RecursionError:
        return "The schema is nested too deeply; make it flatter."
    return None


def value_error(schema: Schema, value: Json, name: str) -> str | None:
    """A sentence that says how a value contradicts a schema, or None. name: the value's name in the sentence."""
    if not schema:
        return None
    wanted, given = json.dumps(schema, sort_keys=True), json.dumps(value, sort_keys=True)
    check = _cached_error if len(wanted) + len(given) <= _MAX_CACHED else _value_error
    try:
        with work_budget():
            error = check(wanted, given)
    except TooMuchWork:
        spend(0)  # raises again inside a larger budget, whose owner reports it
        return f"{name} is too large to be checked against its schema; make either smaller."
    except (BadPattern, RecursionError):
        return f"{name} cannot be checked: its schema is not valid."
    return None if error is None else f"{name}{error}"


def _value_error(schema: str, value: str) -> str | None:
    error = best_match(_validator(schema).iter_errors(json.loads(value)))
    if error is None:
        return None
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
    return f"{place}: {_short(error.message)}{_misnamed(error)}."


def _misnamed(error: ValidationError) -> str:
    """For a missing property: the first members that the schema does not name, each with the property it may mean."""
    if error.validator != "required":
        return ""
    known = cast(dict[str, Json], error.schema).get("properties") or {}
    first = [name[:64] for name in cast(dict[str, Json], error.instance) if name not in known][:3]
    spend(10 * len(first) * len(known))
    return f"; the schema does not name {all_of(unknown_keys(dict.fromkeys(first), known))}" if first else ""


# A batch checks the same few calls again and again; a check takes ten times as long as making the key.
_cached_error = lru_cache(maxsize=4096)(_value_error)


@lru_cache(maxsize=256)
def _validator(schema: str) -> Any:
    # jsonschema would use these to choose another draft and to resolve references.
    return SchemaValidator(
        {name: value for name, value in json.loads(schema).items() if name not in ("$id", "$schema")}
    )


def _short(message: str) -> str:
    return message if len(message) <= 300 else f"{message[:300]}…"
