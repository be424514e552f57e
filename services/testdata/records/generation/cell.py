"""A cell: some rows of each entity, which refer only to each other and to shared entities. It is generated whole."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, assert_never

import numpy as np
from numpy.typing import NDArray

from services.testdata.records.generation.rules import Needs, Place
from services.testdata.records.tables import Column as Made
from services.testdata.records.tables import Numbers, Rows, Serials, Strings, Texts, Uuids
from services.testdata.records.tables import Table as MadeTable
from shared.model.packs.model import ARRAY, FieldType, Pack, Relationship
from shared.rules import tables
from shared.rules.schema import Kind, Type

if TYPE_CHECKING:
    from services.testdata.records.generation.division import Divided

Mask = NDArray[np.bool_]
NO_ROW = -1
_NO_TEXT = Strings.of([""])


@dataclass(slots=True, eq=False)
class Values:
    """The values of a field for all rows of a cell, which generation may still change.

    values: as in `shared.rules.tables.Column`. known: for fields that may be null.
    """

    values: NDArray[Any]
    known: Mask | None = None
    texts: tables.Texts | None = None


@dataclass(slots=True, eq=False)
class Link:
    """One relationship in a cell. rows: for each child its parent's row in the cell, or NO_ROW.

    order: None if the children of each parent are neighbours, in the order of the parents; otherwise the rows of the
        children that have a parent, in that order.
    """

    relationship: Relationship
    rows: Rows
    parents: int
    order: Rows | None = None
    offsets: Rows = field(default_factory=lambda: np.zeros(1, np.int64))

    def __post_init__(self) -> None:
        self.index()

    def index(self) -> None:
        """Find the children of each parent."""
        known = self.rows >= 0
        counts = np.bincount(self.rows[known], minlength=self.parents)
        self.offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
        if known.all() and (len(self.rows) < 2 or bool((self.rows[1:] >= self.rows[:-1]).all())):
            self.order = None
        else:
            order = np.argsort(self.rows, kind="stable")
            self.order = order[len(self.rows) - int(known.sum()) :]

    def children(self, parents: Rows | None) -> tuple[Rows | None, Rows]:
        """The rows of the children of some parents, those of one parent after the other, and their offsets.

        parents: None for all. The rows are None if they are all children in order.
        """
        if parents is None:
            return self.order, self.offsets
        starts, counts = self.offsets[parents], self.offsets[parents + 1] - self.offsets[parents]
        offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
        places = np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], counts)
        return places if self.order is None else self.order[places], offsets


class Cell:
    """The rows of a cell while they are made.

    first, rows: by entity: the number of its first row, and the number of its rows. links: by the relationship's index
    in the pack; those that are missing are not assigned yet. divided: the scenarios of rows. plain: fields before they
    took edge cases, and which rows took some.
    """

    def __init__(
        self,
        pack: Pack,
        first: Mapping[str, int],
        rows: Mapping[str, int],
        shared: "Cell | None",
        fill: "Callable[[Cell, str, str], Made]",
    ) -> None:
        self.pack = pack
        self._fill = fill
        self.first = dict(first)
        self.rows = dict(rows)
        self.links: dict[int, Link] = {}
        self.made: dict[Place, Made] = {}
        self.values: dict[Place, Values] = {}
        self.divided: dict[str, Divided] = {}
        self.plain: dict[Place, tuple[Made, Mask]] = {}
        self.shared = shared
        if shared is not None:
            self.first |= shared.first
            self.rows |= shared.rows
            self.links |= shared.links
            self.made |= shared.made
            self.values |= shared.values
            self.divided |= shared.divided
        self._by_child_name = {(one.parent, one.child_name): i for i, one in enumerate(pack.relationships)}
        self._by_parent_name = {(one.child, one.parent_name): i for i, one in enumerate(pack.relationships)}

    def numbers(self, entity: str) -> Rows:
        """The numbers of an entity's rows among all of its rows."""
        first = self.first[entity]
        return np.arange(first, first + self.rows[entity], dtype=np.int64)

    def children_of(self, entity: str, name: str) -> int:
        """The relationship that an entity's children in rules have."""
        return self._by_child_name[entity, name]

    def parent_of(self, entity: str, name: str) -> int:
        """The relationship that an entity's parent in rules has."""
        return self._by_parent_name[entity, name]

    def view(self, entity: str, needs: Needs, rows: Rows | None = None) -> tables.Table:
        """The table that expressions about an entity are evaluated on. rows: some rows only."""
        own = {name: self.column(entity, name, type_, rows) for name, type_ in needs.own.items()}
        children: dict[str, tables.Children] = {}
        parents: dict[str, tables.Parents] = {}
        for name, inside in needs.below.items():
            if (entity, name) in self._by_child_name:
                index = self._by_child_name[entity, name]
                some, offsets = self.links[index].children(rows)
                child = self.pack.relationships[index].child
                children[name] = tables.Children(self.view(child, inside, some), offsets)
            else:
                index = self._by_parent_name[entity, name]
                up = self.links[index].rows
                parent = self.pack.relationships[index].parent
                parents[name] = tables.Parents(self.view(parent, inside), up if rows is None else up[rows])
        return tables.Table(self.rows[entity] if rows is None else len(rows), own, children, parents)

    def column(self, entity: str, name: str, type_: Type, rows: Rows | None = None) -> tables.Column:
        """A column as a rule reads it."""
        if type_.kind is Kind.IDENTIFIER and type_.integer and (entity, name) not in self.values:
            values, known = self.identity(entity, name)
            return _column(values, known, None, rows)
        found = self.value(entity, name)
        return _column(found.values, found.known, found.texts, rows)

    def value(self, entity: str, name: str) -> Values:
        """The values of a field, made on first use."""
        place = (entity, name)
        if place not in self.values:
            self.values[place] = readable(self.field(entity, name))
        return self.values[place]

    def identity(self, entity: str, name: str) -> tuple[Rows, Mask | None]:
        """Numbers that are equal where the field refers to the same record."""
        link = self.link_of(entity, name)
        if link is None:
            return self.numbers(entity), None
        one = self.links[link]
        relationship = one.relationship
        above, known = (
            self.identity(relationship.parent, relationship.parent_fields[relationship.child_fields.index(name)])
            if relationship.parent != entity
            else (self.numbers(entity), None)
        )
        has = one.rows >= 0
        places = np.maximum(one.rows, 0)
        if not len(above):
            return np.zeros(len(has), np.int64), has
        known = has if known is None else has & known[places]
        return above[places], None if known.all() else known

    def link_of(self, entity: str, name: str) -> int | None:
        """The assigned relationship that gives a field its values; None if the field has its own.

        Of several it is the one with the most fields, whose values belong together.
        """
        found = [
            index
            for index, one in enumerate(self.pack.relationships)
            if one.child == entity and name in one.child_fields and index in self.links
        ]
        return max(found, key=lambda index: len(self.pack.relationships[index].child_fields), default=None)

    def field(self, entity: str, name: str) -> Made:
        """A field as it is written: from the parent if it refers to one."""
        place = (entity, name)
        index = self.link_of(entity, name)
        if index is None:
            if place not in self.made:
                self.made[place] = self._fill(self, entity, name)
            return self.made[place]
        one = self.links[index]
        of = one.relationship.parent_fields[one.relationship.child_fields.index(name)]
        return picked(self.field(one.relationship.parent, of), one.rows, self._type(entity, name))

    def _type(self, entity: str, name: str) -> FieldType:
        found = self.pack.entity(entity)
        assert found is not None
        of = found.field(name)
        assert of is not None
        return of.type

    def table(self, entity: str, names: Iterable[str]) -> MadeTable:
        """The finished rows of an entity."""
        made = {name: self.written(entity, name) for name in names}
        found = self.pack.entity(entity)
        assert found is not None
        generated = frozenset(one.name for one in found.fields if one.generated)
        arrays = frozenset(one.name for one in found.fields if one.format == ARRAY and one.type is FieldType.JSON)
        return MadeTable(entity, made, self.rows[entity], first=self.first[entity], generated=generated, arrays=arrays)

    def written(self, entity: str, name: str) -> Made:
        """A finished field: what was made, with the values that rules changed."""
        place = (entity, name)
        if self.link_of(entity, name) is not None:
            return self.field(entity, name)
        values, base = self.values.get(place), self.made.get(place)
        if values is None:
            return self.field(entity, name)
        return written(values, base, self._type(entity, name))


def _column(values: NDArray[Any], known: Mask | None, texts: tables.Texts | None, rows: Rows | None) -> tables.Column:
    if rows is not None:
        values, known = values[rows], None if known is None else known[rows]
    return tables.Column(values, None if known is None or known.all() else known, texts)


def picked(made: Made, rows: Rows, type_: FieldType) -> Made:
    """The values of some rows; null where the row is NO_ROW."""
    known = rows >= 0
    if not len(made):
        assert not known.any()
        return replace(_zeros(made, len(rows)), type=type_, known=known)
    picked = made.at(np.maximum(rows, 0))
    both = known if picked.known is None else known & picked.known
    return replace(picked, type=type_, known=None if both.all() else both)


def _zeros(made: Made, rows: int) -> Made:
    """Any values in a column of the same class, so that all cells have the same."""
    match made:
        case Numbers():
            return replace(made, values=np.zeros(rows, made.values.dtype))
        case Texts():
            return replace(made, strings=_NO_TEXT, codes=np.zeros(rows, np.int32), distinct=False)
        case Uuids():
            return replace(made, high=np.zeros(rows, np.uint64), low=np.zeros(rows, np.uint64))
        case Serials():
            return replace(made, numbers=np.zeros(rows, np.int64))
        case _:
            assert_never(made)


def readable(made: Made) -> Values:
    """A column as rules read it."""
    known = None if made.known is None else made.known.copy()
    match made:
        case Numbers():
            values = made.values.astype(np.bool_) if made.type is FieldType.BOOLEAN else made.values.copy()
            return Values(values, known)
        case Texts():
            return Values(made.codes.copy(), known, tables.Texts(made.strings.texts))
        case Uuids() | Serials():
            return Values(np.arange(len(made), dtype=np.int32), known, tables.Texts(spelled(made)))


def spelled(made: Uuids | Serials) -> tuple[str, ...]:
    """The texts of identifiers."""
    if isinstance(made, Serials):
        return tuple(f"{made.prefix}{number:0{made.width}d}" for number in made.numbers.tolist())
    whole = zip(made.high.tolist(), made.low.tolist(), strict=True)
    digits = (f"{high:016x}{low:016x}" for high, low in whole)
    return tuple(f"{one[:8]}-{one[8:12]}-{one[12:16]}-{one[16:20]}-{one[20:]}" for one in digits)


def written(values: Values, base: Made | None, type_: FieldType) -> Made:
    """Values as a column of a table. base: the column that they were read from."""
    known = None if values.known is None or values.known.all() else values.known
    if values.texts is None:
        numbers = values.values.astype(np.int64) if values.values.dtype.kind == "b" else values.values
        scale = base.scale if isinstance(base, Numbers) else None
        return Numbers(type=type_, values=numbers, scale=scale, known=known)
    if isinstance(base, Texts) and len(base.strings) == len(values.texts.texts):
        strings = base.strings
    elif isinstance(base, Uuids | Serials):
        return replace(base.at(values.values.astype(np.int64)), known=known)
    else:
        strings = Strings.of(values.texts.texts)
    return Texts(type=type_, strings=strings, codes=values.values.astype(np.int32), known=known)
