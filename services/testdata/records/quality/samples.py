"""Sample rows as tables, to compare records with, and to draw records like them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.testdata.records.errors import SampleEntityUnknown, SampleInvalid, SampleTwice
from services.testdata.records.model import Samples
from services.testdata.records.quality.parts import number_of
from services.testdata.records.quality.series import counts, same_codes
from services.testdata.records.tables import Column, Numbers, Strings, Table, Texts
from services.testdata.records.values.meanings import meaning
from services.testdata.records.values.measured import OFTEN
from shared.errors import Violation
from shared.model.events import Json
from shared.model.packs.model import Entity, Field, FieldType, Pack, Relationship
from shared.model.packs.values import described, read_value
from shared.yaml import near

_MOST_CATEGORIES = 20
_COVERED = 0.95
"""The share of rows that often have the categories of a text."""
_CATEGORY = re.compile(r"\w[\w&/+-]{0,23}( [\w&/+-]{1,24}){0,2}")
_NAME = re.compile(r"[A-Z]\w* [A-Z]|(.*\d){4}")
"""Texts that look like the names of people, and like numbers of telephones or contracts."""
_CATEGORIES = frozenset({FieldType.TEXT, FieldType.IDENTIFIER, FieldType.JSON})
_FLAGS = {"true": True, "t": True, "1": True, "yes": True, "false": False, "f": False, "0": False, "no": False}


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """The sample rows of an entity.

    table: with a column for each field that some row has. comparable: the fields that have a distribution: numbers,
    times and categories.
    """

    table: Table
    comparable: frozenset[str]


def read_samples(pack: Pack, given: Sequence[Samples]) -> dict[str, Sample]:
    """The sample rows by entity. Raises SampleEntityUnknown, SampleTwice, SampleInvalid."""
    if not given:
        return {}
    from services.testdata.records.messages import sample_rows

    found: dict[str, Sample] = {}
    for index, one in enumerate(given):
        entity = pack.entity(one.entity)
        if entity is None:
            hint = near(one.entity, [each.name for each in pack.entities]) or ""
            raise SampleEntityUnknown(entity=one.entity, hint=hint)
        if entity.name in found:
            raise SampleTwice(entity=entity.name)
        table = sample_table(entity, sample_rows(one.content), f"spec.samples[{index}].rows")
        found[entity.name] = Sample(table, frozenset(_comparable(entity, table)))
    return found


def _comparable(entity: Entity, table: Table) -> list[str]:
    keys = {name for names in (entity.key, *entity.uniques) if len(names) == 1 for name in names}
    return [
        field.name
        for field in entity.fields
        if field.name in table.columns
        and not field.unique
        and field.name not in keys
        and (isinstance(column := table.columns[field.name], Numbers) or bool(categories(entity, field, column)))
    ]


def categories(entity: Entity, field: Field, column: Column) -> dict[str, int]:
    """The texts of a column that are categories, with their numbers of rows; none if it has others, too.

    Categories are the values that a field lists, or else short texts of a field that means no person, place or
    sentence, each in OFTEN rows or more.
    """
    if not isinstance(column, Texts) or field.type is not FieldType.TEXT:
        return {}
    known = slice(None) if column.known is None else column.known
    times = np.bincount(column.codes[known], minlength=len(column.strings)).tolist()
    found = {text: count for text, count in zip(column.strings.texts, times, strict=True) if count}
    if field.values:
        return {text: count for text, count in found.items() if text in field.values}
    if meaning(field, entity.name) is not None or field.format or field.pattern or field.unique:
        return {}
    often = {text: count for text, count in found.items() if count >= OFTEN and _is_category(text)}
    if len(often) > _MOST_CATEGORIES or sum(often.values()) < _COVERED * sum(found.values()):
        return {}
    return often


def _is_category(text: str) -> bool:
    return _CATEGORY.fullmatch(text) is not None and _NAME.match(text) is None


def children_of(one: Relationship, child: Table, parent: Table | None) -> NDArray[np.int64] | None:
    """How many children each parent has: each in the table of the parents, or else each that has some.

    None if the tables lack the fields.
    """
    if not all(name in child.columns for name in one.child_fields):
        return None
    if parent is None or not all(name in parent.columns for name in one.parent_fields):
        return counts(child.columns[one.child_fields[0]]) if len(one.child_fields) == 1 else None
    pairs = [
        same_codes(parent.columns[above], child.columns[below])
        for above, below in zip(one.parent_fields, one.child_fields, strict=True)
    ]
    above, below = (np.stack([pair[side] for pair in pairs]) for side in (0, 1))
    _, codes = np.unique(np.concatenate([above, below], axis=1), axis=1, return_inverse=True)
    codes = codes.reshape(-1)
    times = np.bincount(codes[parent.rows :][(below > 0).all(axis=0)], minlength=int(codes.max(initial=0)) + 1)
    return times[codes[: parent.rows]]


def sample_table(entity: Entity, rows: Sequence[Mapping[str, Json]], path: str = "rows") -> Table:
    """The rows as a table, with a column for each field that some row has. Raises SampleInvalid with up to 20 faults.

    path: of the rows in the request.
    """
    faults: list[Violation] = []
    columns: dict[str, Column] = {}
    for one in entity.fields:
        if any(one.name in row for row in rows):
            columns[one.name] = _column(one, [row.get(one.name) for row in rows], path, faults)
    if rows and not columns:
        names = ", ".join(f"`{one.name}`" for one in entity.fields)
        faults.append(Violation(path, f"No row has a field of `{entity.name}`; its fields are {names}."))
    if faults:
        raise SampleInvalid(entity=entity.name, violations=faults[:20])
    return Table(entity.name, columns, len(rows))


def _column(field: Field, values: Sequence[Json], path: str, faults: list[Violation]) -> Column:
    read: list[Any] = []
    for index, value in enumerate(values):
        try:
            read.append(_read(field.type, value))
        except (ValueError, TypeError):
            faults.append(Violation(f"{path}[{index}].{field.name}", f"Must be {described(field.type)}."))
            read.append(None)
    known = np.asarray([value is not None for value in read], np.bool_)
    if field.type in _CATEGORIES:
        numbers: dict[str, int] = {}
        codes = [0 if one is None else numbers.setdefault(one, len(numbers)) for one in read]
        return Texts(
            type=field.type, strings=Strings.of([*numbers] or [""]), codes=np.asarray(codes, np.int32), known=known
        )
    numeric = np.asarray([0.0 if one is None else one for one in read], np.float64)
    return Numbers(type=field.type, values=numeric, known=known)


def _read(kind: FieldType, value: Json) -> str | float | None:
    """The value as the category or the number that a column has for it. Raises ValueError."""
    if value is None or (value == "" and kind not in _CATEGORIES):
        return None
    if isinstance(value, float) and value.is_integer() and kind in (FieldType.INTEGER, FieldType.MONEY):
        # Numbers of JSON that came as protobuf are doubles.
        value = int(value)
    if isinstance(value, str):
        value = _of_text(kind, value)
    if kind in _CATEGORIES:
        return str(read_value(kind, value))
    return number_of(kind, value)


def _of_text(kind: FieldType, text: str) -> Json:
    """The value of a text in CSV. Raises ValueError."""
    match kind:
        case FieldType.INTEGER | FieldType.MONEY:
            return int(text)
        case FieldType.NUMBER:
            number = float(text)
            if not np.isfinite(number):
                raise ValueError(text)
            return number
        case FieldType.BOOLEAN:
            if text.lower() not in _FLAGS:
                raise ValueError(text)
            return _FLAGS[text.lower()]
        case _:
            return text
