"""The parts of the quality of records, each from 0 to 1, or None where there is nothing to measure."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.testdata.records.quality import similarity
from services.testdata.records.quality.series import counts, floats, is_numeric, same_codes
from services.testdata.records.tables import Column, Numbers, Serials, Table, Uuids
from shared.model.packs.model import Entity, Field, FieldType
from shared.model.packs.values import read_value

EDGE = 0.1
"""A value is at the edge of what is allowed if it lies within this share of the range from a bound."""


def mean(values: Any) -> float | None:
    """The mean of the values that are not None; None if there are none."""
    known = [one for one in values if one is not None]
    return sum(known) / len(known) if known else None


def diversity(entity: Entity, table: Table, references: Collection[str] = ()) -> float | None:
    """The mean over fields of the number of different values, relative to how many there could be.

    There could be one a record, or as many as the field allows. Fields that allow one value, derived fields and
    `references` to other records are left out.
    """
    found = []
    for field in entity.fields:
        most = min(table.rows, _allowed(field))
        if most > 1 and field.name in table.columns and field.name not in references and not field.derived:
            found.append(min(1.0, len(counts(table.columns[field.name])) / most))
    return mean(found)


def _allowed(field: Field) -> float:
    """How many values a field allows; infinite if they are not few."""
    if field.type is FieldType.BOOLEAN:
        return len(field.values) or 2
    if field.values:
        return len(field.values)
    if field.type in (FieldType.INTEGER, FieldType.MONEY) and None not in (field.minimum, field.maximum):
        return int(field.maximum) - int(field.minimum) + 1
    return float("inf")


def constraint_coverage(entity: Entity, table: Table) -> float | None:
    """How much of what the fields allow the records show: the mean over fields of these shares.

    Of the values that are listed, those that appear (of as many as there are records, if that is less); of the two ends
    of a range, those near which there is a value; null, where a field may be null. entity: with the constraints of the
    request merged into its fields.
    """
    if not table.rows:
        return None
    return mean(
        mean(_shown(field, table.columns[field.name]))
        for field in entity.fields
        if field.name in table.columns and not field.derived
    )


def _shown(field: Field, column: Column) -> Iterator[float]:
    if field.nullable:
        yield float(column.known is not None and not column.known.all())
    if field.values:
        yield min(1.0, len(counts(column)) / min(len(field.values), len(column)))
    elif isinstance(column, Numbers) and None not in (field.minimum, field.maximum):
        least, most = number_of(field.type, field.minimum), number_of(field.type, field.maximum)
        values = floats(column)
        values = values[~np.isnan(values)]
        if least < most and len(values):
            near = EDGE * (most - least)
            yield float(values.min() <= least + near)
            yield float(values.max() >= most - near)


def number_of(kind: FieldType, value: Any) -> float:
    """A value of a field as the number that a column has for it."""
    match read_value(kind, value):
        case bool() | int() | float() as number:
            return float(number)
        case datetime() as moment:
            return (moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1)
        case date() as day:
            return float((day - date(1970, 1, 1)).days)
        case time() as of_day:
            past = timedelta(
                hours=of_day.hour, minutes=of_day.minute, seconds=of_day.second, microseconds=of_day.microsecond
            )
            return past / timedelta(microseconds=1)
        case timedelta() as length:
            return length / timedelta(microseconds=1)
        case other:
            raise TypeError(other)


def compared(table: Table, sample: Table) -> Sequence[str]:
    """The fields that can be compared: in both tables, and of one kind."""
    return [
        name
        for name, column in table.columns.items()
        if name in sample.columns
        and not isinstance(column, Uuids | Serials)
        and is_numeric(column) == is_numeric(sample.columns[name])
    ]


def column_shapes(table: Table, sample: Table, names: Sequence[str]) -> float | None:
    """The mean over fields of KSComplement for numbers and times, and TVComplement for categories."""
    return mean(_shape(sample.columns[name], table.columns[name]) for name in names)


def _shape(sample: Column, made: Column) -> float | None:
    if isinstance(sample, Numbers) and isinstance(made, Numbers) and is_numeric(made):
        return similarity.ks_complement(floats(sample), floats(made))
    alike = same_codes(sample, made)
    return similarity.tv_complement(*(codes[codes > 0] for codes in alike))


def pair_trends(table: Table, sample: Table, names: Sequence[str]) -> float | None:
    """The mean over pairs of fields of CorrelationSimilarity for two numbers, and else ContingencySimilarity."""
    alike = {name: _discrete(sample.columns[name], table.columns[name]) for name in names}
    return mean(_trend(sample, table, alike, one, other) for one, other in combinations(names, 2))


def _trend(sample: Table, made: Table, alike: Mapping[str, Any], one: str, other: str) -> float | None:
    pairs = [(table.columns[one], table.columns[other]) for table in (sample, made)]
    if all(is_numeric(column) for pair in pairs for column in pair):
        first, second = ((floats(x), floats(y)) for x, y in pairs)  # type: ignore[arg-type]
        return similarity.correlation_similarity(first, second)
    return similarity.contingency_similarity((alike[one][0], alike[other][0]), (alike[one][1], alike[other][1]))


def _discrete(sample: Column, made: Column) -> tuple[similarity.Codes, similarity.Codes]:
    if isinstance(sample, Numbers) and isinstance(made, Numbers) and is_numeric(made):
        return similarity.in_bins(floats(sample), floats(made))
    return same_codes(sample, made)


def cardinality(pairs: Iterable[tuple[NDArray[np.int64], NDArray[np.int64]]]) -> float | None:
    """The mean over references of KSComplement of how many records refer to one record, as CardinalityShapeSimilarity.

    pairs: for each reference the numbers of children of parents, in the sample and as made.
    """
    return mean(similarity.ks_complement(sample.astype(np.float64), made.astype(np.float64)) for sample, made in pairs)
