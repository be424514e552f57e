"""What generation does, settled before the first record: which entities, how many rows, in which order."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from services.testdata.records.errors import (
    ChildrenTooFew,
    ChildrenTooMany,
    DerivedInCircle,
    OthersTooFew,
    TooManyTogether,
    ValuesTooFew,
)
from services.testdata.records.generation.computed import with_computed
from services.testdata.records.generation.division import Division, divisions
from services.testdata.records.generation.likeness import Family, families_of, likes_of
from services.testdata.records.generation.linking import assigned
from services.testdata.records.generation.narrowing import with_bounds
from services.testdata.records.generation.participants import (
    UniqueSet,
    backwards,
    counts_of,
    derived_circle,
    each_with_one,
    few_values,
    folded_children,
    linked,
    narrowed,
    narrower_entities,
    only_child,
    parents_first,
    part_of,
    unique_sets,
    with_required,
    with_scenarios,
)
from services.testdata.records.generation.references import Reference
from services.testdata.records.generation.rules import Derived, Place, Rule, columns, place_of, read_rules
from services.testdata.records.model import RecordSpec
from services.testdata.records.quality.samples import Sample, read_samples
from services.testdata.records.tables import Rows
from services.testdata.records.values.measured import Like
from shared.model.packs.model import Entity, Field, FieldType, Pack, Relationship

CELL_ROWS = 1 << 14
"""Rows of the largest entity in a cell, about."""
SHARED_ROWS = 1 << 10
"""An entity with up to so many rows is the same for all cells, if the pack allows it."""
MOST_CELL_ROWS = 1 << 20
"""The most rows of an entity in a cell, which is generated whole."""


@dataclass(frozen=True, eq=False)
class Plan:
    """How to generate.

    pack: with the entities that take part, their fields as the scenario narrows them. counts: rows in all.
    order: the entities, in the order in which their values are chosen. early, late: references in the order in which
    they are assigned; early ones before any value, late ones by entity. shared: entities that all cells have alike.
    bounds: for other entities, the first row of each cell, and the end. combined: by entity, unique sets whose fields
    have few values each, which are chosen together. untaken: other such sets, which some records may repeat.
    nulls: fields that are always null. divisions: of entities whose records differ in their scenarios, or have edge
    cases. samples: the sample rows of entities. likes: how entities are distributed in those, if records are drawn like
    them.
    """

    spec: RecordSpec
    pack: Pack
    counts: Mapping[str, int]
    order: tuple[str, ...]
    early: tuple[Reference, ...]
    late: Mapping[str, tuple[Reference, ...]]
    rules: tuple[Rule, ...]
    derived: tuple[Derived, ...]
    shared: frozenset[str]
    cells: int
    bounds: Mapping[str, Rows] = field(repr=False)
    combined: Mapping[str, tuple[UniqueSet, ...]] = field(default_factory=dict)
    untaken: Mapping[str, tuple[UniqueSet, ...]] = field(default_factory=dict)
    nulls: frozenset[Place] = frozenset()
    divisions: Mapping[str, Division] = field(default_factory=dict)
    samples: Mapping[str, Sample] = field(default_factory=dict, repr=False)
    likes: Mapping[str, Like] = field(default_factory=dict, repr=False)

    @property
    def written(self) -> tuple[str, ...]:
        """The entities so that parents come before their children."""
        return parents_first(self.pack)

    def cells_of(self, entity: str, start: int, stop: int) -> range:
        """The cells that have the rows from `start` to before `stop` of an entity."""
        if entity in self.shared:
            return range(1)
        bounds = self.bounds[entity]
        return range(int(bounds.searchsorted(start, "right")) - 1, int(bounds.searchsorted(stop, "left")))

    @cached_property
    def by_child_name(self) -> Mapping[tuple[str, str], int]:
        """(parent, what it calls its children) → the relationship's index."""
        return {(one.parent, one.child_name): index for index, one in enumerate(self.pack.relationships)}

    @cached_property
    def by_parent_name(self) -> Mapping[tuple[str, str], int]:
        """(child, what it calls its parent) → the relationship's index."""
        return {(one.child, one.parent_name): index for index, one in enumerate(self.pack.relationships)}

    @cached_property
    def references(self) -> Mapping[int, Reference]:
        """All references by the relationship's index."""
        late = (one for some in self.late.values() for one in some)
        return {one.index: one for one in (*self.early, *late)}


def make_plan(spec: RecordSpec) -> Plan:
    """Plan the generation. Raises what is said in `errors.py` of the noun."""
    spec = with_scenarios(replace(spec, pack=with_computed(spec.pack)))
    samples = read_samples(spec.pack, spec.samples)
    drawn = samples if spec.production_like else {}
    families = families_of(spec.pack, drawn)
    pack = narrowed(spec)
    narrower = narrower_entities(spec, pack)
    counts = counts_of(spec, pack, {place: family.mean for place, family in families.items()})
    pack = with_required(with_bounds(part_of(pack, counts)))
    derived_circle(pack)
    first = parents_first(pack)
    left_out = [one for one in pack.relationships if backwards(one, first)]
    pack = replace(pack, relationships=tuple(one for one in pack.relationships if one not in left_out))
    rules, derived = read_rules(pack, spec.pack, frozenset(linked(pack)))
    pack = replace(pack, relationships=tuple(each_with_one(pack, counts, rules, derived, narrower)))
    combined, untaken = {}, {}
    entities = []
    for entity in pack.entities:
        made, combined[entity.name], untaken[entity.name] = _distinct(entity, pack)
        for found in (*combined[entity.name], *untaken[entity.name]):
            _enough(made, found, pack, counts)
        entities.append(made)
    pack = replace(pack, entities=tuple(entities))
    shared, cells, bounds, anchors = _cells(pack, counts, rules, derived)
    order = _order(pack, rules, derived, shared)
    early, late = assigned(pack, counts, rules, shared, bounds, anchors)
    if families:
        early = _with_families(early, families)
        late = {name: _with_families(some, families) for name, some in late.items()}
    plan = Plan(
        spec,
        pack,
        counts,
        order,
        early,
        late,
        tuple(rules),
        tuple(derived),
        shared,
        cells,
        bounds,
        combined,
        untaken,
        frozenset(_nulls(pack, left_out)),
    )
    _check_counts(plan)
    return replace(
        plan, divisions=dict(divisions(spec, pack, counts)), samples=samples, likes=likes_of(spec.pack, drawn)
    )


def _with_families(
    references: Sequence[Reference], families: Mapping[tuple[str, tuple[str, ...]], Family]
) -> tuple[Reference, ...]:
    """The references, with how records refer to others in sample rows."""
    return tuple(
        replace(one, family=families.get((one.relationship.child, one.relationship.child_fields))) for one in references
    )


def _nulls(pack: Pack, left_out: Sequence[Relationship]) -> Iterator[Place]:
    """The fields of references that are left out, unless another reference has them."""
    kept = {(one.child, name) for one in pack.relationships for name in one.child_fields}
    for one in left_out:
        child = pack.entity(one.child)
        assert child is not None
        for name in one.child_fields:
            of = child.field(name)
            if of is not None and of.nullable and (one.child, name) not in kept:
                yield one.child, name


# Unique sets.


def _distinct(entity: Entity, pack: Pack) -> tuple[Entity, tuple[UniqueSet, ...], tuple[UniqueSet, ...]]:
    """The entity with a unique field in each of its unique sets; and the sets that have no field with many values.

    Those that share no field, then those that share one with another.
    """
    combined: list[UniqueSet] = []
    untaken: list[UniqueSet] = []
    changed: dict[str, Field] = {}
    for found in unique_sets(pack, entity):
        own = [one for one in map(entity.field, found.fields) if one is not None]
        if not own or any(one.unique or one.name in changed for one in own):
            continue
        many = [one for one in own if not few_values(one) and not one.derived]
        if many:
            best = max(many, key=lambda one: one.type in (FieldType.IDENTIFIER, FieldType.TEXT))
            changed[best.name] = replace(best, unique=True)
        elif any({*one.fields} & {*found.fields} for one in combined):
            untaken.append(found)
        else:
            combined.append(found)
    fields = tuple(changed.get(one.name, one) for one in entity.fields)
    return replace(entity, fields=fields), tuple(combined), tuple(untaken)


def _enough(entity: Entity, found: UniqueSet, pack: Pack, counts: Mapping[str, int]) -> None:
    """Refuse more records than a unique set has combinations. Records without a parent are not counted."""
    references = [pack.relationships[index] for index in found.references]
    if not all(one.required for one in references):
        return
    space = found.space(entity)
    for one in references:
        space *= counts[one.parent]
    if counts[entity.name] > space:
        raise ValuesTooFew(
            entity=entity.name,
            fields=found.words(pack),
            rows=f"{counts[entity.name]:,}",
            values=f"{space:,}",
        )


# Cells.


def _cells(
    pack: Pack, counts: Mapping[str, int], rules: Sequence[Rule], derived: Sequence[Derived]
) -> tuple[frozenset[str], int, dict[str, Rows], dict[str, int]]:
    """The shared entities, the number of cells, their bounds, and for an entity the relationship that bounds it."""
    largest = max(counts.values())
    if largest <= CELL_ROWS:
        names, cells = list(counts), 1
        shared: frozenset[str] = frozenset()
    else:
        shared = frozenset(_shared(pack, counts, rules, derived))
        names = [name for name in counts if name not in shared]
        parents = [
            counts[one.parent]
            for one in pack.relationships
            if one.parent in names and one.required and counts[one.child]
        ]
        parents += _pairs(pack, counts, shared)
        cells = max(1, min([-(-largest // CELL_ROWS), *parents]))
        if max((counts[name] for name in names), default=0) // cells > MOST_CELL_ROWS:
            few = min(
                (one.parent for one in pack.relationships if one.parent in names and one.required),
                key=counts.__getitem__,
            )
            raise TooManyTogether(entity=few, rows=f"{counts[few]:,}", most=f"{counts[few] * MOST_CELL_ROWS:,}")
    anchors: dict[str, int] = {}
    bounds: dict[str, Rows] = {}
    for name in parents_first(pack):
        if name not in names:
            continue
        of = [
            (index, one)
            for index, one in enumerate(pack.relationships)
            if one.child == name and one.parent in bounds and one.parent != name
        ]
        if of:
            anchors[name], anchor = max(of, key=lambda pair: _rank(pack, pair[1]))
            if _rank(pack, anchor)[0]:
                bounds[name] = bounds[anchor.parent] * counts[name] // max(counts[anchor.parent], 1)
                continue
        bounds[name] = np.arange(cells + 1, dtype=np.int64) * counts[name] // cells
    return shared, cells, bounds, anchors


def _pairs(pack: Pack, counts: Mapping[str, int], shared: frozenset[str]) -> Iterator[int]:
    """The most cells in which the parents of a unique set still make enough different pairs."""
    for entity in pack.entities:
        for found in unique_sets(pack, entity):
            parents = [pack.relationships[index].parent for index in found.references]
            divided = [name for name in parents if name not in shared]
            if found.is_few(entity) and len(divided) > 1 and counts[entity.name]:
                space = found.space(entity)
                for name in parents:
                    space *= counts[name]
                yield max(1, int((space / counts[entity.name]) ** (1 / (len(divided) - 1)) / 2))


def _rank(pack: Pack, one: Relationship) -> tuple[bool, bool, bool]:
    """How much depends on a relationship's numbers of children."""
    counted = bool(one.minimum) or one.maximum is not None or only_child(pack, one)
    return counted and one.required, one.required, bool(one.child_name)


def _shared(pack: Pack, counts: Mapping[str, int], rules: Sequence[Rule], derived: Sequence[Derived]) -> Iterator[str]:
    small = {name for name, rows in counts.items() if rows <= SHARED_ROWS}
    folding = folded_children(rules) | folded_children(derived)
    changed = True
    while changed:
        changed = False
        for entity in pack.entities:
            for found in unique_sets(pack, entity):
                parents = {pack.relationships[index].parent for index in found.references}
                # Records of two cells must not have the same parents.
                if entity.name not in small and parents and parents <= small and found.is_few(entity):
                    small.discard(max(parents, key=lambda name: (counts[name], name)))
                    changed = True
        for one in pack.relationships:
            bounded = bool(one.minimum) or one.maximum is not None or only_child(pack, one)
            if one.parent in small and one.child not in small and (bounded or (one.parent, one.child_name) in folding):
                small.discard(one.parent)
                changed = True
            if one.child in small and one.parent not in small:
                small.discard(one.child)
                changed = True
    yield from small


# The order of entities.


def _order(pack: Pack, rules: Sequence[Rule], derived: Sequence[Derived], shared: frozenset[str]) -> tuple[str, ...]:
    """Shared entities first; what others are derived from before them; parents before children where rules ask."""
    names = [entity.name for entity in pack.entities]
    hard: dict[str, set[str]] = {name: set() for name in names}
    soft: dict[str, list[str]] = {name: [] for name in names}
    for one in derived:
        hard[one.entity] |= {entity for entity, _ in one.inputs if entity != one.entity}
    for rule in rules:
        own = any(entity == rule.entity for entity, _ in rule.columns)
        for column in columns(rule.compiled.typed):
            entity, _ = place_of(rule.schema, rule.entity, column)
            if column.scope and own and entity not in hard[rule.entity]:
                soft[entity].append(rule.entity)
            elif not column.scope and entity != rule.entity and rule.entity not in hard[entity]:
                soft[rule.entity].append(entity)
    done: list[str] = []
    parents = parents_first(pack)
    while len(done) < len(names):
        left = [name for name in names if name not in done]
        ready = [name for name in left if hard[name] <= {*done}]
        if not ready:
            raise DerivedInCircle(field=f"{left[0]}.{next(one.field.name for one in derived if one.entity in left)}")
        ready = [name for name in ready if name in shared] or ready
        done.append(min(ready, key=lambda name: (sum(1 for one in soft[name] if one not in done), parents.index(name))))
    return tuple(done)


def _check_counts(plan: Plan) -> None:
    """Refuse numbers of rows that leave a parent with too few children, or a child without a parent."""
    for one in plan.references.values():
        relationship = one.relationship
        children, parents = plan.counts[relationship.child], plan.counts[relationship.parent]
        if relationship.parent == relationship.child:
            continue
        if relationship.minimum and children < parents * relationship.minimum:
            raise ChildrenTooFew(
                parent=relationship.parent,
                child=relationship.child,
                minimum=relationship.minimum,
                needed=f"{parents * relationship.minimum:,}",
                rows=f"{children:,}",
            )
        if one.required and one.maximum is not None and children > parents * one.maximum:
            others = [other.relationship.parent for other in plan.references.values() if one.index in other.beside]
            if others and (relationship.maximum is None or children <= parents * relationship.maximum):
                raise OthersTooFew(
                    child=relationship.child,
                    parent=relationship.parent,
                    other=min(others, key=plan.counts.__getitem__),
                    rows=f"{children:,}",
                )
            raise ChildrenTooMany(
                parent=relationship.parent,
                child=relationship.child,
                maximum=f"{one.maximum:,}",
                most=f"{parents * one.maximum:,}",
                rows=f"{children:,}",
            )
