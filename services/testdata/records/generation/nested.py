"""Values of JSON fields that have a JSON Schema: lists, objects, and records of other entities inside of a record.

Each field gets some dozens of values, made once; records take one of them.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from services.testdata.records.formats.text import json_lines
from services.testdata.records.tables import Column, Strings, Table
from services.testdata.records.values import Draws, Filler, filler
from services.testdata.records.values.errors import NoValues
from services.testdata.records.values.numbers import NullFiller
from services.testdata.records.values.texts import PoolFiller
from shared.model.packs.model import Field, FieldType

VALUES = 32
"""Different values of a field."""
_MORE = 3
"""A list has up to so many items more than it must have."""
_TYPES = {
    "string": FieldType.TEXT,
    "integer": FieldType.INTEGER,
    "number": FieldType.NUMBER,
    "boolean": FieldType.BOOLEAN,
}
_FORMATS = {
    "date": FieldType.DATE,
    "date-time": FieldType.DATETIME,
    "time": FieldType.TIME,
    "uuid": FieldType.IDENTIFIER,
}
_MEMBERS = {
    "minimum": "minimum",
    "maximum": "maximum",
    "minLength": "min_length",
    "maxLength": "max_length",
    "pattern": "pattern",
    "format": "format",
}
Records = Callable[[str, "Nested"], list[Any]]
"""Makes some records of an entity as JSON, given what is being made."""


class _Endless(Exception):
    """A value would need itself inside."""


@dataclass(frozen=True, eq=False)
class Nested:
    """Makes values inside of records. inside: the entities that are being made; made: records of others."""

    records: Records
    locale: str
    inside: frozenset[str] = frozenset()
    made: dict[str, list[Any]] = field(default_factory=dict)

    def within(self, entity: str) -> "Nested":
        """For what stands inside of records of an entity."""
        return replace(self, inside=self.inside | {entity})

    def filler(self, of: Field, entity: str) -> Filler:
        """How a JSON field with a schema is filled. Raises NoValues, and what `filler` raises."""
        try:
            values = self._values(of.json_schema, of.name, VALUES)
        except _Endless:
            if not of.nullable:
                why = "each value needs a record of the same entity inside"
                raise NoValues(field=of.name, entity=entity, why=why) from None
            values = [None]
        texts = list(dict.fromkeys(json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in values))
        lookup = np.arange(len(texts), dtype=np.int32)
        pool = PoolFiller(FieldType.JSON, Strings.of(texts), lookup, f"json/{of.name}")
        return NullFiller(pool, 1 if values == [None] else 10) if of.nullable else pool

    def _values(self, schema: Any, name: str, count: int) -> list[Any]:
        if not isinstance(schema, Mapping):
            return [None] * count
        if isinstance(reference := schema.get("$ref"), str):
            return self._records(reference.removeprefix("#/entities/"), count)
        if isinstance(values := schema.get("enum"), Sequence) and values:
            return [values[row % len(values)] for row in range(count)]
        if "const" in schema:
            return [schema["const"]] * count
        kinds = schema.get("type", "object")
        kind = next((one for one in kinds if one != "null"), "null") if isinstance(kinds, list) else kinds
        if kind == "array":
            return list(self._lists(schema, name, count))
        if kind == "object":
            return self._objects(schema, name, count)
        return self._plain(schema, kind, name, count) if kind in _TYPES else [None] * count

    def _records(self, entity: str, count: int) -> list[Any]:
        if entity in self.inside:
            raise _Endless
        if entity not in self.made:
            self.made[entity] = self.records(entity, self.within(entity))
        return [self.made[entity][row % len(self.made[entity])] for row in range(count)]

    def _lists(self, schema: Mapping[str, Any], name: str, count: int) -> Iterator[list[Any]]:
        least = int(schema.get("minItems", 0))
        most = min(int(schema.get("maxItems", least + _MORE)), least + _MORE)
        sizes = [least + row % (most - least + 1) for row in range(count)]
        try:
            items = self._values(schema.get("items", {"type": "string"}), name, max(sum(sizes), 1))
        except _Endless:
            if least:
                raise
            yield from ([] for _ in range(count))
            return
        at = 0
        for size in sizes:
            some = items[at : at + size]
            if schema.get("uniqueItems"):
                some = [one for number, one in enumerate(some) if one not in some[:number]]
                some += [one for one in items if one not in some][: size - len(some)]
            yield some
            at += size

    def _objects(self, schema: Mapping[str, Any], name: str, count: int) -> list[Any]:
        found: list[dict[str, Any]] = [{} for _ in range(count)]
        required = schema.get("required", ())
        for number, (key, inner) in enumerate((schema.get("properties") or {}).items()):
            try:
                values = self._values(inner, key, count)
            except _Endless:
                if key in required:
                    raise
                continue
            for row, value in enumerate(values):
                if key in required or (row + number) % 5:
                    found[row][key] = value
        if isinstance(others := schema.get("additionalProperties"), Mapping) and not schema.get("properties"):
            keys = self._values(schema.get("propertyNames", {"type": "string"}), "key", count)
            try:
                values = self._values(others or {"type": "string"}, name, count)
            except _Endless:
                return found
            return [{str(key).partition(" ")[0]: value} for key, value in zip(keys, values, strict=True)]
        return found

    def _plain(self, schema: Mapping[str, Any], kind: str, name: str, count: int) -> list[Any]:
        """Texts, numbers and booleans, as fields have them."""
        members = {ours: schema[theirs] for theirs, ours in _MEMBERS.items() if schema.get(theirs) is not None}
        type_ = _FORMATS.get(str(schema.get("format")), _TYPES[kind]) if kind == "string" else _TYPES[kind]
        if type_ in (FieldType.DATE, FieldType.DATETIME, FieldType.TIME):
            members = {}
        for side in ("minimum", "maximum"):
            exclusive = schema.get(f"exclusive{side.capitalize()}")
            if isinstance(exclusive, bool):
                members[f"exclusive_{side}"] = exclusive
            elif exclusive is not None:
                members |= {side: exclusive, f"exclusive_{side}": True}
        of = Field(name, type_, **members)
        made = filler(of, name, self.locale).fill(Draws(0, name, name), np.arange(count, dtype=np.int64))
        return _as_json(made, count)


def _as_json(column: Column, count: int) -> list[Any]:
    table = Table("", {"v": column}, count)
    return [json.loads(line)["v"] for line in json_lines(table).encode(table).splitlines()]
