"""Writes the JSON Schema of observed values, so that every one of them fits it."""

from collections.abc import Mapping

from services.synthesizer.inference.model import SchemaSupport, Support
from services.synthesizer.inference.values import Text, Values, is_word
from services.synthesizer.procedures.schemas import schema_error
from shared.model.events import Json
from shared.model.steps import Schema

FEWEST = 3
"""A member is required, and a format certain, if at least this many records show it and none contradicts."""
_FEWEST_FOR_ENUM, _FEWEST_OF_EACH, _TIMES = 20, 3, 5
"""An enumeration needs this many conversations, each of its texts this many, and this many conversations per text."""
_MOST_PARTS = 300


def schema_of(values: Values, *, named: bool) -> tuple[Schema, tuple[SchemaSupport, ...]]:
    """A schema that all the values fit, with the support of its parts; empty without values or if it is too large.

    named: the members of the outermost object have names, so it is not taken for a map.
    """
    if not values.count:
        return {}, ()
    writer = _Writer()
    schema = writer.write(values, "", named=named)
    return (schema, tuple(writer.supports)) if schema_error(schema) is None else ({}, ())


class _Writer:
    """Writes one schema. supports: the support of each part so far."""

    def __init__(self) -> None:
        self.supports: list[SchemaSupport] = []
        self._parts = 0

    def write(self, values: Values, pointer: str, *, named: bool = False) -> dict[str, Json]:
        """The schema of the values. pointer: where it is."""
        self._parts += 1
        schema: dict[str, Json] = {"type": _types(values)}
        if values.types.keys() <= {"string", "null"}:
            self._write_text(values, schema, pointer)
        if values.types["object"]:
            self._write_object(values, schema, pointer, named)
        if values.items is not None and self._parts < _MOST_PARTS:
            schema["items"] = self.write(values.items, f"{pointer}/items")
        return schema

    def _write_text(self, values: Values, schema: dict[str, Json], pointer: str) -> None:
        count = values.types["string"]
        texts = _enumeration(values)
        format_ = next(iter(values.formats), "")
        if texts:
            schema["enum"] = [*texts, None] if values.types["null"] else [*texts]
            self.supports.append(SchemaSupport(f"{pointer}/enum", Support(count, count)))
        elif len(values.formats) == 1 and format_ and count >= FEWEST:
            schema["format"] = format_
            self.supports.append(SchemaSupport(f"{pointer}/format", Support(count, count)))

    def _write_object(self, values: Values, schema: dict[str, Json], pointer: str, named: bool) -> None:
        objects = values.types["object"]
        if not named and _is_map(values):
            if self._parts < _MOST_PARTS:
                schema["additionalProperties"] = self.write(_merged(values), f"{pointer}/additionalProperties")
            return
        properties, required = {}, []
        for name, member in values.members.items():
            if self._parts >= _MOST_PARTS:
                break
            place = f"{pointer}/properties/{name.replace('~', '~0').replace('/', '~1')}"
            self.supports.append(SchemaSupport(place, Support(member.count, objects)))
            properties[name] = self.write(member, place)
            if member.count == objects >= FEWEST:
                required.append(name)
        if properties:
            schema["properties"] = properties
        if required:
            schema["required"] = required


def _types(values: Values) -> Json:
    types = [one for one in values.types if not (one == "integer" and values.types["number"])]
    return types[0] if len(types) == 1 else types


def _enumeration(values: Values) -> Mapping[str, Text] | None:
    """The texts, if they are words, and so many conversations have each of them that another one is unlikely.

    Words that differ only in case were typed by people, so they are no enumeration.
    """
    texts = values.texts
    if not texts or len({text.casefold() for text in texts}) < max(2, len(texts)) or not all(map(is_word, texts)):
        return None
    counts = [text.conversations for text in texts.values()]
    enough = sum(counts) >= max(_FEWEST_FOR_ENUM, _TIMES * len(texts)) and min(counts) >= _FEWEST_OF_EACH
    return texts if enough else None


def _is_map(values: Values) -> bool:
    """True if the names of the members are data, such as ids: most have digits, or are in one object only."""
    if values.others is not None:
        return True
    members, objects = values.members, values.types["object"]
    as_data = sum(any(map(str.isdigit, name)) or member.count == 1 for name, member in members.items())
    return (
        len(members) > 4
        and 2 * as_data > len(members)
        and all(2 * member.count < objects for member in members.values())
        and len({frozenset(member.types) for member in members.values()}) == 1
    )


def _merged(values: Values) -> Values:
    merged = Values()
    for member in (*values.members.values(), *filter(None, [values.others])):
        merged.merge(member)
    return merged
