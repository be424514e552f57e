"""How the records of an entity are divided among scenarios, and which edge cases those have.

Each record has a place in a random order of all records, which depends on the seed. The first places belong to the
first part, and so on, so every part has an exact number of records. The records of a part take its edge cases in turn.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, zip_longest

import numpy as np
from numpy.typing import NDArray

from services.testdata.records.generation.narrowing import with_bounds
from services.testdata.records.generation.participants import narrowed, part_of, with_required
from services.testdata.records.model import EDGE_SHARE, RecordSpec
from services.testdata.records.tables import Column, Mask, Numbers, Rows, Texts
from services.testdata.records.values.draws import Draws
from services.testdata.records.values.edges import Case, boundary_cases, cases_of_pack, security_cases
from services.testdata.records.values.fillers import stored_value
from shared.model.packs.model import EDGE_CASES, SECURITY_TESTING, Category, Entity, Field, FieldType, Pack

NO_CASE = -1


@dataclass(frozen=True, eq=False)
class Part:
    """Records of one scenario. fields: those that the scenario narrows, by name. cases: their edge cases."""

    scenario: str
    count: int
    fields: Mapping[str, Field]
    cases: tuple[Case, ...] = ()


@dataclass(frozen=True, eq=False)
class Divided:
    """For each of some rows its part, and its place among the records of that part."""

    parts: NDArray[np.int64]
    places: Rows


@dataclass(frozen=True, eq=False)
class Division:
    """How the records of an entity are divided. fixed: fields that take no edge cases, such as keys and references."""

    entity: str
    parts: tuple[Part, ...]
    fixed: frozenset[str]

    def of(self, seed: int, rows: Rows) -> Divided:
        """The parts of these rows."""
        ends = np.cumsum([part.count for part in self.parts])
        places = Draws(seed, self.entity, "scenario").permuted(rows, int(ends[-1])) if len(rows) else rows
        parts = np.searchsorted(ends, places, "right")
        return Divided(parts, places - np.concatenate(([0], ends))[parts])

    @cached_property
    def placed(self) -> tuple[tuple[Case, ...], ...]:
        """For each part the cases that its records take in turn. Others are only found."""
        return tuple(tuple(one for one in part.cases if self._can_be_placed(one)) for part in self.parts)

    def _can_be_placed(self, case: Case) -> bool:
        field = case.field
        if field.derived or field.name in self.fixed:
            return False
        return case.value is None or not field.unique or (field.type is FieldType.TEXT and not field.values)

    def placed_in(self, name: str, *, broken: bool) -> list[Case]:
        """The cases that are placed in a field: those that it allows, or the broken ones."""
        every = dict.fromkeys(chain.from_iterable(self.placed))
        return [one for one in every if one.field.name == name and one.broken == broken]

    def numbers(self, of: Divided, cases: Sequence[Case]) -> NDArray[np.int64]:
        """For each row which of the cases it takes, or NO_CASE. Unique values are taken once."""
        out = np.full(len(of.parts), NO_CASE, np.int64)
        for number, placed in enumerate(self.placed):
            mine = np.flatnonzero(of.parts == number)
            if placed and len(mine):
                codes = np.array([cases.index(one) if one in cases else NO_CASE for one in placed], np.int64)
                once = np.array([one.field.unique and one.value is not None for one in placed], np.bool_)
                turn = of.places[mine] % len(placed)
                out[mine] = np.where(once[turn] & (of.places[mine] >= len(placed)), NO_CASE, codes[turn])
        return out

    def found(self, of: Divided, columns: Mapping[str, Column]) -> Iterator[tuple[Part, Case, Rows]]:
        """The edge cases that rows have: each with its part, and the places of the rows in the columns."""
        codes = {name: _codes(columns[name], texts) for name, texts in self._texts.items()}
        for number, part in enumerate(self.parts):
            mine = of.parts == number
            if part.cases and mine.any():
                for case in part.cases:
                    has = np.flatnonzero(mine & _equal(columns[case.field.name], case, codes))
                    if len(has):
                        yield part, case, has

    @cached_property
    def _texts(self) -> Mapping[str, frozenset[str]]:
        """The texts that are edge cases, by fields."""
        found: dict[str, set[str]] = {}
        for case in chain.from_iterable(part.cases for part in self.parts):
            if isinstance(case.value, str):
                found.setdefault(case.field.name, set()).add(case.value)
        return {name: frozenset(texts) for name, texts in found.items()}

    @cached_property
    def asked(self) -> int:
        """How many edge cases are asked for: as many as there are, or as there are records for them."""
        return sum(min(part.count, len(part.cases)) for part in self.parts)


def _codes(column: Column, texts: Collection[str]) -> Mapping[str, list[int]]:
    """The codes of some texts in a column."""
    found: dict[str, list[int]] = {}
    if isinstance(column, Texts):
        for code, text in enumerate(column.strings.texts):
            if text in texts:
                found.setdefault(text, []).append(code)
    return found


def _equal(column: Column, case: Case, codes: Mapping[str, Mapping[str, list[int]]]) -> Mask:
    """Which rows have the value of a case. codes: of texts, by fields."""
    known = np.ones(len(column), np.bool_) if column.known is None else column.known
    if case.value is None:
        return ~known
    equal: Mask = np.zeros(len(column), np.bool_)
    if isinstance(column, Numbers):
        equal = known & (column.values == stored_value(case.field.type, case.value))
    elif isinstance(column, Texts):
        equal = known & np.isin(column.codes, codes[case.field.name].get(str(case.value), ()))
    return equal


def divisions(spec: RecordSpec, pack: Pack, counts: Mapping[str, int]) -> Iterator[tuple[str, Division]]:
    """How the records of entities are divided, where they are not all alike.

    pack: with the entities that take part, as the caller narrows them.
    """
    if not (spec.scenario or spec.shares or spec.include_edge_cases):
        return
    shares = spec.shares or ((spec.scenario, 1.0),)
    base = narrowed(spec)
    others = [narrowed(replace(spec, scenario=name)) for name, _ in shares] if spec.shares else [base]
    wholes = [with_required(with_bounds(part_of(other, counts))) for other in others]
    for entity in pack.entities:
        asked = entity.name in spec.counts
        parts = []
        rows = apportioned(counts[entity.name], [share for _, share in shares])
        for (name, _), other, whole, count in zip(shares, others, wholes, rows, strict=True):
            fields = dict(_narrower(entity, base, other, whole))
            parts.append(Part(name, count, fields, _cases(spec, entity, fields, name) if asked else ()))
        if asked and spec.include_edge_cases and not any(has_cases(spec.pack, name) for name, _ in shares):
            parts = [one for part in parts for one in _with_edges(spec, entity, part)]
        fixed = {name for one in pack.relationships if one.child == entity.name for name in one.child_fields}
        fixed |= {name for one in pack.relationships if one.parent == entity.name for name in one.parent_fields}
        fixed |= {name for names in (entity.key, *entity.uniques) for name in names}
        if len(parts) > 1 or parts[0].cases:
            yield entity.name, Division(entity.name, tuple(parts), frozenset(fixed))


def apportioned(count: int, shares: Sequence[float]) -> list[int]:
    """A count divided by shares, each part exact to less than one: what is left goes to the greatest remainders."""
    total = sum(shares)
    exact = [count * share / total for share in shares]
    parts = [int(one) for one in exact]
    order = sorted(range(len(shares)), key=lambda number: parts[number] - exact[number])
    for number in order[: count - sum(parts)]:
        parts[number] += 1
    return parts


def has_cases(pack: Pack, name: str) -> bool:
    """True if a scenario has edge cases."""
    listed = any(one.id == name and one.edge_cases for one in pack.scenarios)
    return listed or name in (EDGE_CASES, SECURITY_TESTING)


def _narrower(entity: Entity, base: Pack, other: Pack, whole: Pack) -> Iterator[tuple[str, Field]]:
    """The fields of an entity that a scenario narrows. Unique fields stay as they are, so that their values differ.

    base, other: the pack as the caller narrows it, and as the scenario does, too. whole: the latter with what its rules
    ask of single fields.
    """
    before, after, found = (pack.entity(entity.name) for pack in (base, other, whole))
    if before is None or after is None or found is None or before == after:
        return
    for own in entity.fields:
        one = found.field(own.name)
        if one is not None and before.field(own.name) != after.field(own.name) and not own.unique and not own.derived:
            yield own.name, one


def _with_edges(spec: RecordSpec, entity: Entity, part: Part) -> Iterator[Part]:
    """A part without edge cases, and a share of its records that has some."""
    without, having = apportioned(part.count, (1 - EDGE_SHARE, EDGE_SHARE))
    yield replace(part, count=without)
    yield replace(part, count=having, cases=_cases(spec, entity, part.fields, EDGE_CASES))


def _cases(spec: RecordSpec, entity: Entity, narrower: Mapping[str, Field], scenario: str) -> tuple[Case, ...]:
    """The edge cases that an entity has in a scenario: those of the pack first, then one of each field in turn."""
    known = next((one for one in spec.pack.scenarios if one.id == scenario), None)
    if known is not None:
        listed = [one for one in spec.pack.edge_cases if one.id in known.edge_cases]
    elif scenario in (EDGE_CASES, SECURITY_TESTING):
        attacks = scenario == SECURITY_TESTING
        listed = [one for one in spec.pack.edge_cases if (one.category is Category.SECURITY) == attacks]
    else:
        listed = []
    fields = [narrower.get(one.name, one) for one in entity.fields]
    found = [case for one in fields for case in cases_of_pack(one, entity.name, listed)]
    generic = {EDGE_CASES: boundary_cases, SECURITY_TESTING: security_cases}.get(scenario)
    if generic is not None:
        found += [one for turn in zip_longest(*map(generic, fields)) for one in turn if one is not None]
    # Of two with the same value the first is kept, which the pack names.
    different = {(one.field.name, repr(one.value)): one for one in reversed(found)}
    return tuple(one for one in found if different[one.field.name, repr(one.value)] is one)
