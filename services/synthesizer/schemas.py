"""JSON Schemas (draft 2020-12) of tools and slots: checked when saved, compiled once, applied to values."""

import json
from functools import lru_cache
from typing import Any

from jsonschema.exceptions import best_match

from services.synthesizer.schema_checks import BadSchema, check_schema
from services.synthesizer.schema_validator import SchemaValidator, TooMuchWork, bounded_work
from shared.model.events import Json
from shared.model.steps import Schema
from shared.patterns import BadPattern

MAX_SCHEMA = 64 * 1024
"""Characters of JSON that a schema may have."""
_MAX_KEPT = 8 * 1024
"""Characters of a schema and a value, as JSON, whose check is kept: a cache of thousands is not to hold large ones."""


def schema_error(schema: Schema) -> str | None:
    """What is wrong with a schema, one sentence that says what would be right, or None."""
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
    """How a value contradicts a schema, one sentence that calls it `name`, or None."""
    if not schema:
        return None
    wanted, given = json.dumps(schema, sort_keys=True), json.dumps(value, sort_keys=True)
    check = _kept_error if len(wanted) + len(given) <= _MAX_KEPT else _value_error
    try:
        with bounded_work():
            error = check(wanted, given)
    except TooMuchWork:
        return f"{name} is too large to be checked against its schema; make either smaller."
    except (BadPattern, RecursionError):
        return f"{name} cannot be checked: its schema is not valid."
    return None if error is None else f"{name}{error}"


def _value_error(schema: str, value: str) -> str | None:
    error = best_match(_validator(schema).iter_errors(json.loads(value)))
    if error is None:
        return None
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
    return f"{place}: {_short(error.message)}."


# A batch checks the same few calls over and over; a validator takes ten times what writing the value out does.
_kept_error = lru_cache(maxsize=4096)(_value_error)


@lru_cache(maxsize=256)
def _validator(schema: str) -> Any:
    # Which draft it is and where it came from are for others: jsonschema would go by them.
    return SchemaValidator(
        {name: value for name, value in json.loads(schema).items() if name not in ("$id", "$schema")}
    )


def _short(message: str) -> str:
    return message if len(message) <= 300 else f"{message[:300]}…"
