"""Chooses the values of an entity's fields, one field after the other, so that no rule is broken.

Each field of each record takes the first of some candidates that leaves every rule possible. Records for which there is
none give up a choice that the broken rules read, and choose again.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from services.testdata.records.generation.bounds import Numbers, Solved
from services.testdata.records.generation.cell import NO_ROW, Cell, Link, Mask, Values, readable
from services.testdata.records.generation.limits import limits_of
from services.testdata.records.generation.schedule import Hops, Test, Turn, static_bounds
from services.testdata.records.tables import Rows
from services.testdata.records.values.draws import Draws
from shared.model.packs.model import Field, FieldType
from shared.model.packs.values import ORDERED
from shared.rules import tables
from shared.rules.evaluation import evaluate

if TYPE_CHECKING:
    from services.testdata.records.generation.plan import Plan

ATTEMPTS = 48
"""How often a record may choose again."""
_LANE = 32
"""The first lane of the draws of a field that this module takes; earlier ones belong to its values."""
_SOON = 3 * 86_400_000_000
"""Microseconds within which one moment follows another that it must follow."""
_SOON_DAYS = 14
_SECOND = 1_000_000


# Which records a rule is about, and which records of the field's entity that concerns.


def rule_rows(cell: Cell, test: Test, hops: Hops, rows: Rows) -> Rows:
    """The rule's records that lead to these rows of the field's entity."""
    path = _path(cell, test.rule.entity, hops)
    inside = rows
    for link, down in reversed(path):
        if down:
            up = link.rows[inside]
            marked = np.zeros(link.parents, np.bool_)
            marked[up[up >= 0]] = True
            inside = np.flatnonzero(marked)
        else:
            marked = np.zeros(link.parents + 1, np.bool_)
            marked[inside] = True
            inside = np.flatnonzero(marked[link.rows])
    return inside


def field_rows(cell: Cell, test: Test, hops: Hops, marked: Mask) -> Mask:
    """The rows of the field's entity to which marked records of the rule's lead."""
    for link, down in _path(cell, test.rule.entity, hops):
        if down:
            marked = (
                (link.rows >= 0) & marked[np.maximum(link.rows, 0)]
                if len(marked)
                else np.zeros(len(link.rows), np.bool_)
            )
        else:
            up = link.rows[marked]
            marked = np.zeros(link.parents, np.bool_)
            marked[up[up >= 0]] = True
    return marked


def _path(cell: Cell, entity: str, hops: Hops) -> list[tuple[Link, bool]]:
    path = []
    for name in hops[0]:
        index = cell.children_of(entity, name)
        path.append((cell.links[index], True))
        entity = cell.pack.relationships[index].child
    for name in hops[1]:
        index = cell.parent_of(entity, name)
        path.append((cell.links[index], False))
        entity = cell.pack.relationships[index].parent
    return path


class Search:
    """Chooses the values of one entity in one cell."""

    def __init__(self, plan: "Plan", cell: Cell, entity: str, entity_turns: Sequence[Turn]) -> None:
        self._plan = plan
        self._cell = cell
        self._entity = entity
        self._turns = entity_turns
        self._count = cell.rows[entity]
        self._numbers = cell.numbers(entity)
        self._base: dict[str, Values] = {}
        self._plain: dict[str, Values] = {}
        self._limits = dict(limits_of(plan, cell, entity, entity_turns))
        self._assigned: dict[int, Rows] = {}
        self._elsewhere: dict[int, Mask] = {}
        self._forbidden = {
            index: np.zeros((self._count, len(turn.choices) + 1 if turn.choices else 2), np.bool_)
            for index, turn in enumerate(entity_turns)
            if turn.choices or turn.reference is not None or turn.field.nullable
        }
        self._tests = {
            index: tuple(test for test in turn.tests if test.rule.entity in cell.rows)
            for index, turn in enumerate(entity_turns)
        }
        for turn in entity_turns:
            if turn.reference is None:
                self._begin(turn)
            else:
                self._assigned[turn.reference] = cell.links[turn.reference].rows.copy()

    def _begin(self, turn: Turn) -> None:
        found = self._cell.value(self._entity, turn.field.name)
        if turn.choices and found.texts is not None:
            codes = {text: code for code, text in enumerate(turn.choices)}
            places = np.array([codes.get(text, 0) for text in found.texts.texts], np.int32)
            found.values, found.texts = places[found.values], tables.Texts(tuple(turn.choices))
        if turn.field.nullable and found.known is None:
            found.known = np.ones(self._count, np.bool_)
        known = None if found.known is None else found.known.copy()
        base = self._base[turn.field.name] = Values(found.values.copy(), known, found.texts)
        plain = self._cell.plain.get((self._entity, turn.field.name))
        self._plain[turn.field.name] = base if plain is None else readable(plain[0])

    def run(self) -> None:
        """Choose all values."""
        rows = np.arange(self._count, dtype=np.int64)
        for attempt in range(ATTEMPTS):
            rows = self._attempt(rows, attempt)
            if not len(rows):
                break
            rows = self._with_siblings(rows)

    def _with_siblings(self, rows: Rows) -> Rows:
        """The rows, and all children of the same parent where a rule adds children up."""
        marked = np.zeros(self._count, np.bool_)
        marked[rows] = True
        for tests in self._tests.values():
            for test in tests:
                for hops in test.hops:
                    if hops[0]:
                        above = np.zeros(self._cell.rows[test.rule.entity], np.bool_)
                        above[rule_rows(self._cell, test, hops, np.flatnonzero(marked))] = True
                        marked |= field_rows(self._cell, test, hops, above)
        return np.flatnonzero(marked)

    def _attempt(self, rows: Rows, attempt: int) -> Rows:
        """Choose the values of some rows; returns those that failed."""
        failed: list[Rows] = []
        for index, turn in enumerate(self._turns):
            pending = rows
            broken: dict[str, Mask] = {}
            for apply in self._candidates(index, turn, rows, attempt):
                eligible = apply(pending)
                bad = self._violations(index, pending, broken)
                pending = pending[bad[pending] | ~eligible]
                if not len(pending):
                    break
            if len(pending):
                self._blame(index, pending, broken)
                failed.append(pending)
                rows = np.setdiff1d(rows, pending, assume_unique=True)
        return np.sort(np.concatenate(failed)) if failed else rows[:0]

    def _violations(self, index: int, rows: Rows, broken: dict[str, Mask]) -> Mask:
        """Which rows break a rule; adds them to `broken` by rule."""
        bad = np.zeros(self._count, np.bool_)
        for test in self._tests[index]:
            for hops in test.hops:
                of = rule_rows(self._cell, test, hops, rows) if hops != ((), ()) else rows
                every = len(of) == self._cell.rows[test.rule.entity]
                if not len(of):
                    continue
                view = self._cell.view(test.rule.entity, test.needs, None if every else of)
                violated = evaluate(test.compiled, view).violated
                if hops == ((), ()):
                    mine = np.zeros(self._count, np.bool_)
                    mine[of] = violated
                else:
                    marked = np.zeros(self._cell.rows[test.rule.entity], np.bool_)
                    marked[of] = violated
                    mine = field_rows(self._cell, test, hops, marked)
                if mine.any():
                    broken[test.rule.id] = broken.get(test.rule.id, np.zeros(self._count, np.bool_)) | mine
                    bad |= mine
        if (limits := self._limits.get(self._turns[index].field.name)) and self._turns[index].reference is None:
            found = self._cell.values[self._entity, self._turns[index].field.name]
            code = self._code(index) if limits.allowed is not None else None
            bad |= limits.outside(found, code)
        return bad

    def _blame(self, index: int, rows: Rows, broken: Mapping[str, Mask]) -> None:
        """Forbid the last choice before this one that a broken rule reads, for each of the rows."""
        left = np.zeros(self._count, np.bool_)
        left[rows] = True
        if index in self._forbidden:
            self._forbidden[index][rows] = False
        for before in range(index - 1, -1, -1):
            if before not in self._forbidden:
                continue
            read = [broken[test.rule.id] for test in self._tests[before] if test.rule.id in broken]
            if not read:
                read = [mask for rule, mask in broken.items() if self._reads(rule, self._turns[before])]
            if not read:
                continue
            here = np.flatnonzero(left & np.any(read, axis=0))
            if not len(here):
                continue
            forbidden = self._forbidden[before]
            forbidden[here, self._code(before)[here]] = True
            exhausted = forbidden[here][:, self._open_codes(before)].all(axis=1)
            forbidden[here[exhausted]] = False
            if self._can_draw_again(self._turns[before]):
                self._elsewhere.setdefault(before, np.zeros(self._count, np.bool_))[here[exhausted]] = True
                left[here] = False
            left[here[~exhausted]] = False

    def _reads(self, rule: str, turn: Turn) -> bool:
        place = (self._entity, turn.field.name)
        return any(one.id == rule and place in one.columns for one in self._plan.rules)

    def _code(self, index: int) -> NDArray[np.int64]:
        """What each row has chosen: the number of the choice, or the last number for null."""
        turn = self._turns[index]
        if turn.reference is not None:
            return (self._cell.links[turn.reference].rows < 0).astype(np.int64)
        found = self._cell.values[self._entity, turn.field.name]
        if not turn.choices:
            assert found.known is not None
            return (~found.known).astype(np.int64)
        if found.texts is not None:
            codes = found.values.astype(np.int64)
        else:
            choices = np.array(turn.choices)
            order = np.argsort(choices)
            codes = order[np.minimum(np.searchsorted(choices[order], found.values), len(choices) - 1)]
        return codes if found.known is None else np.where(found.known, codes, len(turn.choices))

    def _open_codes(self, index: int) -> list[int]:
        turn = self._turns[index]
        if turn.reference is not None:
            return [0, 1] if not self._plan.pack.relationships[turn.reference].required else [0]
        return list(range((len(turn.choices) or 1) + turn.field.nullable))

    # Candidates: each is a function that sets the values of some rows, and says where it could.

    def _candidates(self, index: int, turn: Turn, rows: Rows, attempt: int) -> Iterator[Callable[[Rows], Mask]]:
        if turn.reference is not None:
            return self._parents(index, turn, attempt)
        if turn.choices:
            return self._choices(index, turn)
        if turn.field.type in ORDERED:
            return self._between(index, turn, rows, attempt)
        return self._texts(index, turn, rows, attempt)

    def _parents(self, index: int, turn: Turn, attempt: int) -> Iterator[Callable[[Rows], Mask]]:
        assert turn.reference is not None
        link = self._cell.links[turn.reference]
        assigned = self._assigned[turn.reference]
        reference = self._plan.references[turn.reference]
        forbidden = self._forbidden[index]
        elsewhere = self._elsewhere.get(index)

        def keep(rows: Rows) -> Mask:
            if not np.array_equal(link.rows[rows], assigned[rows]):
                link.rows[rows] = assigned[rows]
                link.index()
            allowed: Mask = ~forbidden[rows, (assigned[rows] < 0).astype(np.int64)]
            return allowed if elsewhere is None else allowed & ~elsewhere[rows]

        def drop(rows: Rows) -> Mask:
            link.rows[rows] = NO_ROW
            link.index()
            allowed: Mask = ~forbidden[rows, 1]
            return allowed

        def again(rows: Rows, lane: int) -> Mask:
            draws = Draws(self._plan.spec.seed, self._entity, f"{turn.reference} again")
            link.rows[rows] = draws.below(self._numbers[rows], link.parents, lane)
            link.index()
            assigned[rows] = link.rows[rows]
            if elsewhere is not None:
                elsewhere[rows] = False
            allowed: Mask = ~forbidden[rows, 0]
            return allowed

        yield keep
        if not reference.required:
            yield drop
        if self._can_draw_again(turn):
            for number in range(4):
                yield partial(again, lane=attempt * 4 + number)

    def _can_draw_again(self, turn: Turn) -> bool:
        """True if records may refer to other parents than those that they were given."""
        if turn.reference is None:
            return False
        reference = self._plan.references[turn.reference]
        return bool(
            reference.maximum is None
            and not reference.minimum
            and not reference.beside
            and self._cell.links[turn.reference].parents
            and reference.relationship.parent != self._entity
            and not self._sorted(reference.index)
        )

    def _sorted(self, index: int) -> bool:
        return any(index in one.beside for one in self._plan.references.values())

    def _choices(self, index: int, turn: Turn) -> Iterator[Callable[[Rows], Mask]]:
        base, forbidden = self._base[turn.field.name], self._forbidden[index]
        found = self._cell.values[self._entity, turn.field.name]
        count = len(turn.choices)
        stored = None if found.texts is not None else np.array(turn.choices, found.values.dtype)
        saved = found.values.copy(), found.known
        found.values, found.known = base.values.copy(), base.known
        start = np.minimum(self._code(index), count)
        found.values, found.known = saved[0], saved[1]
        options = count + turn.field.nullable

        def choose(rows: Rows, number: int) -> Mask:
            codes = (start[rows] + number) % options
            if found.known is not None:
                found.known[rows] = codes < count
            codes = np.minimum(codes, count - 1)
            found.values[rows] = codes if stored is None else stored[codes]
            return np.logical_not(forbidden[rows, self._code(index)[rows]])

        for number in range(options):
            yield partial(choose, number=number)

    def _texts(self, index: int, turn: Turn, rows: Rows, attempt: int) -> Iterator[Callable[[Rows], Mask]]:
        base, plain = self._base[turn.field.name], self._plain[turn.field.name]
        found = self._cell.values[self._entity, turn.field.name]

        def take(rows: Rows, shift: int, null: bool) -> Mask:
            places = (rows + shift) % self._count
            found.values[rows] = (plain if shift else base).values[places]
            if found.known is not None and base.known is not None:
                found.known[rows] = base.known[rows] != null
            return self._open(index, rows)

        _, _, copies = self._range(turn, rows)
        if copies:
            yield partial(self._copy, turn, copies)
        yield partial(take, shift=0, null=False)
        if turn.field.nullable:
            yield partial(take, shift=0, null=True)
        if not turn.field.unique:
            for number in range(1, 8):
                yield partial(take, shift=attempt * 8 + number, null=False)

    def _copy(self, turn: Turn, copies: Sequence[tuple[tables.Column, Mask]], rows: Rows) -> Mask:
        """Take the text of another column."""
        found = self._cell.values[self._entity, turn.field.name]
        copied = np.zeros(self._count, np.bool_)
        for column, where in copies:
            assert found.texts is not None
            assert column.texts is not None
            here = where & (np.ones(self._count, np.bool_) if column.known is None else column.known)
            taken = rows[here[rows] & ~copied[rows]]
            codes = dict(found.texts.index)
            places = np.array([codes.setdefault(text, len(codes)) for text in column.texts.texts], np.int64)
            found.texts = tables.Texts(tuple(codes))
            values = found.values.astype(np.int64)
            values[taken] = places[column.values[taken] if len(column.values) > 1 else column.values[0]]
            found.values = values
            if found.known is not None:
                found.known[taken] = True
            copied[taken] = True
        return copied[rows]

    def _between(self, index: int, turn: Turn, rows: Rows, attempt: int) -> Iterator[Callable[[Rows], Mask]]:
        base = self._base[turn.field.name]
        found = self._cell.values[self._entity, turn.field.name]
        draws = Draws(self._plan.spec.seed, self._entity, turn.field.name)

        def within(rows: Rows, low: Numbers, high: Numbers, lane: int) -> Mask:
            values = self._drawn(turn, rows, low[rows], high[rows], base, draws, attempt, lane)
            found.values[rows] = values.astype(found.values.dtype)
            fits = low[rows] <= high[rows]
            if found.known is not None and base.known is not None:
                null = ~base.known[rows] if lane == 0 else np.zeros(len(rows), np.bool_)
                found.known[rows] = ~null
                return (fits | null) & self._open(index, rows)
            return fits

        def drop(rows: Rows) -> Mask:
            assert found.known is not None
            found.known[rows] = False
            return self._open(index, rows)

        low, high, _ = self._range(turn, rows)
        yield partial(within, low=low, high=high, lane=0)
        yield partial(within, low=low, high=high, lane=1)
        if turn.field.nullable:
            yield drop
        for skip in (1, 2):
            low, high, _ = self._range(turn, rows, skip)
            yield partial(within, low=low, high=high, lane=1 + skip)
        low, high = self._own(turn)
        for lane in range(4, 8):
            yield partial(within, low=low, high=high, lane=lane)

    def _open(self, index: int, rows: Rows) -> Mask:
        """Where a field may be null, or not null, as it is now."""
        if index not in self._forbidden:
            return np.ones(len(rows), np.bool_)
        return np.logical_not(self._forbidden[index][rows, self._code(index)[rows]])

    def _own(self, turn: Turn) -> tuple[Numbers, Numbers]:
        if (limits := self._limits.get(turn.field.name)) is not None:
            return limits.low.copy(), limits.high.copy()
        low, high = static_bounds(turn.field)
        return np.full(self._count, low), np.full(self._count, high)

    def _range(
        self, turn: Turn, rows: Rows, skip: int = 0
    ) -> tuple[Numbers, Numbers, list[tuple[tables.Column, Mask]]]:
        """The least and the greatest value of each row that the solved rules leave."""
        low, high = self._own(turn) if turn.field.type in ORDERED else (np.zeros(0), np.zeros(0))
        copies: list[tuple[tables.Column, Mask]] = []
        for solver, hops in turn.solvers:
            if solver.rule.entity not in self._cell.rows:
                continue
            test = Test(solver.rule, solver.rule.compiled, (hops,))
            direct = hops == ((), ())
            of = rows if direct else rule_rows(self._cell, test, hops, rows)
            if not len(of):
                continue
            every = len(of) == self._cell.rows[solver.rule.entity]
            solved = Solved(solver, self._cell, None if every else of)
            below, above, texts = solved.choose(skip)
            if direct:
                places = of
            elif hops[0]:
                index = self._cell.children_of(solver.rule.entity, hops[0][0])
                found, offsets = self._cell.links[index].children(None if every else of)
                places = np.arange(offsets[-1]) if found is None else found
            else:
                up = self._cell.links[self._cell.parent_of(solver.rule.entity, hops[1][0])].rows[of]
                keep = up >= 0
                if len(low):  # texts have no bounds
                    np.maximum.at(low, up[keep], below[keep])
                    np.minimum.at(high, up[keep], above[keep])
                continue
            if len(low):
                low[places] = np.maximum(low[places], below)
                high[places] = np.minimum(high[places], above)
            for typed, where in texts:
                column = solved.at(typed)
                full = np.zeros(self._count, np.bool_)
                full[places] = where
                values = np.zeros(self._count, np.int64)
                values[places] = column.values
                known = np.zeros(self._count, np.bool_)
                known[places] = True if column.known is None else column.known
                copies.append((tables.Column(values, known, column.texts), full))
        step = _step(turn.field)
        with np.errstate(all="ignore"):
            low, high = np.ceil(low / step - 1e-6) * step, np.floor(high / step + 1e-6) * step
        return low, high, copies

    def _drawn(
        self,
        turn: Turn,
        rows: Rows,
        low: Numbers,
        high: Numbers,
        base: Values,
        draws: Draws,
        attempt: int,
        lane: int,
    ) -> Numbers:
        """A value for each row between its bounds: the field's own if that is, otherwise one that is drawn."""
        shift = attempt * 8 + lane
        plain, edges = self._plain[turn.field.name], self._cell.plain.get((self._entity, turn.field.name))
        if shift:
            own = plain.values[(rows + shift * 7) % self._count].astype(np.float64)
        else:
            own = base.values[rows].astype(np.float64)
        if turn.field.unique and shift:
            own = base.values[rows].astype(np.float64)
        least, most = static_bounds(turn.field)
        follows, precedes = low > least, high < most
        fits = (own >= low) & (own <= high)
        moment = turn.field.type in (FieldType.DATE, FieldType.DATETIME)
        if moment:
            # A moment that follows another is soon after it, unless it is an edge case.
            fits &= ~follows if edges is None or shift else ~follows | edges[1][rows]
        if fits.all():
            return own
        units = draws.units(self._numbers[rows], _LANE + shift)
        step = _step(turn.field)
        soon = float(_SOON_DAYS if turn.field.type is FieldType.DATE else _SOON)
        wide = soon if moment else np.maximum(np.abs(own), 1.0)
        with np.errstate(all="ignore"):
            if moment:
                units = units * units
                upper = np.where(follows, np.minimum(high, low + soon), high)
                lower = np.where(~follows & precedes, np.maximum(low, high - soon), low)
            else:
                upper, lower = high, low
            lower = np.where(np.isfinite(lower), lower, np.where(np.isfinite(upper), upper - wide, own))
            upper = np.where(np.isfinite(upper), upper, lower + wide)
            steps = np.floor((upper - lower) / step + 1e-6) + 1
            values = lower + np.floor(units * steps) * step
            if turn.field.type is FieldType.DATETIME:
                # Whole seconds look like life, where there is room.
                rounded = np.ceil(values / _SECOND) * _SECOND
                values = np.where((rounded >= low) & (rounded <= high), rounded, values)
            values = np.minimum(values, np.where(np.isfinite(high), high, values))
        return np.where(fits, own, np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0))


def _step(of: Field) -> float:
    if of.type is not FieldType.NUMBER:
        return 1.0
    return 10.0 ** -(of.scale if of.scale is not None else 6)
