"""Applies JSON Schema, draft 2020-12, with jsonschema, but with RE2 for patterns and a limit on the work of a check."""

from collections.abc import Callable, Iterator
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from shared.model.events import Json
from shared.model.work_budget import spend
from shared.patterns import compile_pattern

Keyword = Callable[[Any, Any, Any, Any], Iterator[ValidationError] | None]


def _spend(parts: int) -> None:
    """Spend the work of a keyword that looks at this many parts of a value, about ten microseconds each."""
    spend(10 * parts)


def _width(value: Json) -> int:
    return len(value) if isinstance(value, dict | list) else 0


def _size(value: Json) -> int:
    """The number of parts of a value; 50 characters of text count as one more."""
    size, rest = 0, [value]
    while rest:
        value = rest.pop()
        size += 1
        if isinstance(value, str):
            size += len(value) // 50
        elif isinstance(value, dict):
            rest += value.values()
        elif isinstance(value, list):
            rest += value
    return size


def _counted(check: Keyword) -> Keyword:
    def keyword(validator: Any, wanted: Json, instance: Json, schema: Json) -> Iterator[ValidationError]:
        _spend(1 + (_width(wanted) + _width(instance)) // 8)
        for error in check(validator, wanted, instance, schema) or ():
            if not isinstance(error.validator, str):
                # A new error formats the value and the schema; others are only passed on.
                _spend(_size(instance) + _size(wanted))
            yield error

    return keyword


def _pattern(_validator: Any, wanted: str, instance: Json, _schema: Json) -> Iterator[ValidationError]:
    if isinstance(instance, str) and compile_pattern(wanted).find(instance) is None:
        yield ValidationError(f"{instance!r} does not match the pattern {wanted!r}")


def _named(pattern: str, names: dict[str, Json]) -> list[str]:
    _spend(len(names))
    return [name for name in names if compile_pattern(pattern).find(name) is not None]


def _pattern_properties(
    validator: Any, wanted: dict[str, Json], instance: Json, _schema: Json
) -> Iterator[ValidationError]:
    if isinstance(instance, dict):
        for pattern, inner in wanted.items():
            for name in _named(pattern, instance):
                yield from validator.descend(instance[name], inner, path=name, schema_path=pattern)


def _additional_properties(validator: Any, wanted: Json, instance: Json, schema: Json) -> Iterator[ValidationError]:
    if isinstance(instance, dict):
        known = set(schema.get("properties", ()))
        for pattern in schema.get("patternProperties", ()):
            known.update(_named(pattern, instance))
        extra = [name for name in instance if name not in known]
        if wanted is False and extra:
            yield ValidationError(f"{', '.join(map(repr, extra))} should not be there; no others are allowed")
        elif wanted is not False:
            for name in extra:
                yield from validator.descend(instance[name], wanted, path=name)


def _one_of_these(_validator: Any, wanted: list[Json], instance: Json, _schema: Json) -> Iterator[ValidationError]:
    _spend(_size(instance) + _size(wanted))
    key = _key(instance)
    if not any(key == _key(value) for value in wanted):
        yield ValidationError(f"{instance!r} is not one of {wanted!r}")


def _constant(_validator: Any, wanted: Json, instance: Json, _schema: Json) -> Iterator[ValidationError]:
    _spend(_size(instance) + _size(wanted))
    if _key(instance) != _key(wanted):
        yield ValidationError(f"{wanted!r} was expected")


def _unique_items(_validator: Any, wanted: bool, instance: Json, _schema: Json) -> Iterator[ValidationError]:
    if wanted and isinstance(instance, list):
        _spend(_size(instance))
        if len({_key(item) for item in instance}) < len(instance):
            yield ValidationError(f"{instance!r} has an item twice")


def _key(value: Json) -> Any:
    """A hashable key; values that JSON Schema calls equal have equal keys. 1 equals 1.0, but not true."""
    if isinstance(value, dict):
        return dict, frozenset((name, _key(member)) for name, member in value.items())
    if isinstance(value, list):
        return list, tuple(map(_key, value))
    return (bool, value) if isinstance(value, bool) else value


_OURS: dict[str, Keyword] = {
    "additionalProperties": _additional_properties,
    "const": _constant,
    "enum": _one_of_these,
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "uniqueItems": _unique_items,
}

SchemaValidator: Any = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {name: _counted(check) for name, check in {**Draft202012Validator.VALIDATORS, **_OURS}.items()},
)
"""Applies a schema that `schema_error` accepts; use it within `bounded_work`."""
