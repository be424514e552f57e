"""Measures sample rows, so that records can be drawn like them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.testdata.records.quality.samples import Sample, categories, children_of
from services.testdata.records.quality.series import floats
from services.testdata.records.tables import Column, Numbers, Texts
from services.testdata.records.values.measured import Distribution, Like, ordered, scores, together
from shared.model.packs.model import Entity, Field, Pack, Relationship


@dataclass(frozen=True, eq=False)
class Family:
    """How records refer to others in sample rows. nulls: the share of them that refer to none.

    children: how many refer to the same one. mean: of these numbers.
    """

    nulls: float
    children: Distribution
    mean: float


def likes_of(pack: Pack, samples: Mapping[str, Sample]) -> dict[str, Like]:
    """By entity how its fields are distributed."""
    found = {}
    for name, sample in samples.items():
        entity = pack.entity(name)
        assert entity is not None
        references = {field for one in pack.relationships if one.child == name for field in one.child_fields}
        found[name] = _like(entity, sample, references)
    return found


def _like(entity: Entity, sample: Sample, references: set[str]) -> Like:
    numbers: dict[str, Distribution] = {}
    shares: dict[str, Mapping[str, float]] = {}
    scored: dict[str, NDArray[np.float64]] = {}
    fields = [
        (field, sample.table.columns[field.name])
        for field in entity.fields
        if field.name in sample.comparable and field.name not in references and not field.derived
    ]
    for field, column in fields:
        if isinstance(column, Numbers):
            values = floats(column)
            distribution = Distribution.of(values[~np.isnan(values)])
            if distribution is not None:
                numbers[field.name], scored[field.name] = distribution, scores(values)
    for field, column in fields:
        if isinstance(column, Texts):
            order, codes = _ordered(entity, field, column, [*scored.values()])
            times = np.bincount(codes[codes >= 0], minlength=len(order)).tolist()
            shares[field.name] = dict(zip(order, (time / sum(times) for time in times), strict=True))
            scored[field.name] = scores(np.where(codes < 0, np.nan, codes.astype(np.float64)))
    nulls = {name: _nulls(column) for name, column in sample.table.columns.items()}
    return Like(numbers, shares, nulls, together(scored))


def _ordered(
    entity: Entity, field: Field, column: Texts, others: list[NDArray[np.float64]]
) -> tuple[list[str], NDArray[np.int64]]:
    """The categories of a column in an order that goes together with other fields, and the place of each row's."""
    texts = [*categories(entity, field, column)]
    places = {text: place for place, text in enumerate(texts)}
    by_code = np.array([places.get(text, -1) for text in column.strings.texts], np.int64)
    known = np.ones(len(column), np.bool_) if column.known is None else column.known
    codes = np.where(known, by_code[column.codes], -1)
    order = ordered(texts, codes, others)
    moved = np.array([order.index(text) for text in texts] + [-1], np.int64)
    return order, moved[codes]


def _nulls(column: Column) -> float:
    return 0.0 if column.known is None else 1 - float(np.mean(column.known))


def families_of(pack: Pack, samples: Mapping[str, Sample]) -> dict[tuple[str, tuple[str, ...]], Family]:
    """How records refer to others, by entity and the fields of the reference."""
    found = {}
    for one in pack.relationships:
        if one.child in samples and one.parent != one.child:
            family = _family(one, samples)
            if family is not None:
                found[one.child, one.child_fields] = family
    return found


def _family(one: Relationship, samples: Mapping[str, Sample]) -> Family | None:
    table = samples[one.child].table
    above = samples.get(one.parent)
    counts = children_of(one, table, None if above is None else above.table)
    children = None if counts is None else Distribution.of(counts.astype(np.float64))
    if counts is None or children is None or not counts.any():
        return None
    return Family(max(_nulls(table.columns[name]) for name in one.child_fields), children, float(counts.mean()))
