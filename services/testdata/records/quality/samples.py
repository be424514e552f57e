"""Sample rows as a table, to compare records with."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from services.testdata.records.quality.parts import number_of
from services.testdata.records.tables import Column, Numbers, Strings, Table, Texts
from shared.errors import InvalidArgument, Violation
from shared.model.events import Json
from shared.model.packs.model import Entity, Field, FieldType
from shared.model.packs.values import described, read_value

_CATEGORIES = frozenset({FieldType.TEXT, FieldType.IDENTIFIER, FieldType.JSON})


class SampleInvalid(InvalidArgument):
    """The sample rows are not records of `{entity}`; see the field violations."""

    reason = "RECORD_SAMPLE_INVALID"


def sample_table(entity: Entity, rows: Sequence[Mapping[str, Json]], field: str = "sample_rows") -> Table:
    """The rows as a table, with a column for each field that some row has. Raises SampleInvalid with up to 20 faults.

    field: the path of the rows in the request.
    """
    faults: list[Violation] = []
    columns: dict[str, Column] = {}
    for one in entity.fields:
        if any(one.name in row for row in rows):
            columns[one.name] = _column(one, [row.get(one.name) for row in rows], field, faults)
    if rows and not columns:
        names = ", ".join(f"`{one.name}`" for one in entity.fields)
        faults.append(Violation(field, f"No row has a field of `{entity.name}`; its fields are {names}."))
    if faults:
        raise SampleInvalid(entity=entity.name, violations=faults[:20])
    return Table(entity.name, columns, len(rows))


def _column(field: Field, values: Sequence[Json], path: str, faults: list[Violation]) -> Column:
    known = np.asarray([value is not None for value in values], np.bool_)
    read: list[Any] = []
    for index, value in enumerate(values):
        try:
            read.append(None if value is None else _read(field.type, value))
        except (ValueError, TypeError):
            faults.append(Violation(f"{path}[{index}].{field.name}", f"Must be {described(field.type)}."))
            read.append(None)
    if field.type in _CATEGORIES:
        numbers: dict[str, int] = {}
        codes = [0 if one is None else numbers.setdefault(one, len(numbers)) for one in read]
        return Texts(
            type=field.type, strings=Strings.of([*numbers] or [""]), codes=np.asarray(codes, np.int32), known=known
        )
    numeric = np.asarray([0.0 if one is None else one for one in read], np.float64)
    return Numbers(type=field.type, values=numeric, known=known)


def _read(kind: FieldType, value: Json) -> str | float:
    """The value as the category or the number that a column has for it. Raises ValueError."""
    if isinstance(value, float) and value.is_integer() and kind in (FieldType.INTEGER, FieldType.MONEY):
        # Numbers of JSON that came as protobuf are doubles.
        value = int(value)
    if kind in _CATEGORIES:
        return str(read_value(kind, value))
    return number_of(kind, value)
