"""Sample rows as tables of columns, and which of their columns only name things."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.enricher.discovery.names import words
from services.enricher.discovery.samples.columns import Column

_CODES = frozenset("code zip phone fax isbn sku ean ssn postcode postal mobile iban".split())
_NAMING = _CODES | frozenset("id ids key no nr uuid guid".split())


@dataclass(frozen=True, slots=True)
class Table:
    """The sample rows of an entity. naming: columns that name things: keys, references, codes."""

    entity: str
    rows: int
    columns: Mapping[str, Column]
    naming: frozenset[str] = frozenset()

    def measures(self) -> list[Column]:
        """The columns of numbers that count or measure something."""
        return [one for one in self.columns.values() if one.numeric and one.name not in self.naming]


@dataclass(frozen=True, slots=True)
class Family:
    """The sample rows of a parent and its children. name: what the parent calls the children.

    owner: for each row of the child, the row of its parent.
    """

    parent: Table
    child: Table
    name: str
    owner: NDArray[np.int64]


def naming(name: str) -> bool:
    """True if a column of this name only names things."""
    return bool(_NAMING & set(words(name)[-1:]))


def is_code(name: str) -> bool:
    """True if a column of this name has codes, which are texts even where all of them are digits."""
    return bool(_CODES & set(words(name)[-1:]))


def owners(
    child: Table, child_fields: tuple[str, ...], parent: Table, parent_fields: tuple[str, ...]
) -> NDArray[np.int64] | None:
    """For each row of the child the row of its parent; None if a row has none, or a parent's fields are not unique."""
    ours = [child.columns.get(name) for name in child_fields]
    theirs = [parent.columns.get(name) for name in parent_fields]
    sides: list[list[tuple[object, ...]]] = []
    for side in (ours, theirs):
        cells = []
        for column in side:
            if column is None or not column.present.all():
                return None
            cells.append(column.values.tolist())
        sides.append(list(zip(*cells, strict=True)))
    rows = {key: number for number, key in enumerate(sides[1])}
    if len(rows) != len(sides[1]):
        return None
    found = [rows.get(key, -1) for key in sides[0]]
    return None if -1 in found else np.array(found, np.int64)
