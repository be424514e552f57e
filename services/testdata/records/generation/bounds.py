"""What the rules ask of one field of each record, found by solving them for it: the least and the greatest value.

Solving is only a proposal: a value is taken once the rules themselves say that it may be.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from services.testdata.records.generation.cell import Cell, Mask
from services.testdata.records.generation.rules import Place, Rule, columns, needs_of, place_of
from services.testdata.records.tables import Rows
from shared.rules import tables
from shared.rules.evaluation import values_of
from shared.rules.schema import Kind
from shared.rules.typed import Apply, Column, Constant, Fold, Given, Scope, Spread, Typed

Numbers: TypeAlias = NDArray[np.float64]
_MOST = 16
"""The most alternatives of a rule that are looked at."""
_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_NEGATED = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
_TINY = 1e-7
"""By this share of a number is another one surely less."""


@dataclass(frozen=True, eq=False)
class Atom:
    """`left operator right`, where only left reads the field."""

    operator: str
    left: Typed
    right: Typed


@dataclass(frozen=True, eq=False)
class Alternative:
    """One way in which a rule holds: guards that do not read the field, atoms that do, and whether it must be null."""

    guards: tuple[tuple[Typed, bool], ...] = ()
    atoms: tuple[Atom, ...] = ()
    null: bool | None = None

    def also(self, other: "Alternative") -> "Alternative | None":
        """Both; None if one needs null and the other does not."""
        if None not in (self.null, other.null) and self.null != other.null:
            return None
        null = other.null if self.null is None else self.null
        return Alternative(self.guards + other.guards, self.atoms + other.atoms, null)


class Solver:
    """Solves one rule for one of its columns.

    target: the column. static: the least and greatest value of columns that are not known yet. unknown: the columns
    that have no values yet, the target among them. needs: what the solved rule reads. alternatives: those in which the
    field has a value, those that ask nothing of it first.
    """

    def __init__(
        self,
        rule: Rule,
        target: Column,
        static: Mapping[Place, tuple[float, float]],
        unknown: Callable[[Column], bool],
    ) -> None:
        self.rule = rule
        self.target = target
        self.static = static
        self._unknown = unknown
        # By the parts' ids, with the parts, so that no other part takes such an id. To hash a part takes longer.
        self._reads: dict[int, tuple[Typed, bool]] = {}
        self._known: dict[int, tuple[Typed, bool]] = {}
        parts = [one for one in columns(rule.compiled.typed) if not unknown(one)]
        if target.scope:
            parts.append(Column(target.scope, (), "", target.type, (0, 0)))
        self.needs = needs_of(parts)
        self.alternatives = [one for one in self._alternatives(rule.compiled.typed, True) if one.null is not True]
        self.alternatives.sort(key=lambda one: len(one.atoms) > 0)

    def reads(self, part: Typed) -> bool:
        """True if a part of the rule reads the field."""
        found = self._reads.get(id(part))
        if found is None:
            found = self._reads[id(part)] = part, any(one == self.target for one in columns(part))
        return found[1]

    def knows(self, part: Typed) -> bool:
        """True if all columns in a part of the rule have values."""
        found = self._known.get(id(part))
        if found is None:
            found = self._known[id(part)] = part, not any(map(self._unknown, columns(part)))
        return found[1]

    def _alternatives(self, part: Typed, want: bool) -> list[Alternative]:
        if not self.reads(part):
            return [Alternative(guards=((part, want),))]
        match part:
            case Spread():
                return self._alternatives(part.operand, want)
            case Fold() if (part.fold == "all") == want and part.fold in ("all", "any"):
                return self._alternatives(part.argument, want)
            case Apply():
                return self._applied(part, want)[:_MOST]
            case _:
                return [Alternative()]

    def _applied(self, part: Apply, want: bool) -> list[Alternative]:
        match part.operation:
            case "not":
                return self._alternatives(part.arguments[0], not want)
            case "and" | "or" if (part.operation == "and") == want:
                return self._all([self._alternatives(one, want) for one in part.arguments])
            case "and" | "or":
                return [one for each in part.arguments for one in self._alternatives(each, want)]
            case "choose":
                test, chosen, other = part.arguments
                return [
                    *self._all([self._alternatives(test, True), self._alternatives(chosen, want)]),
                    *self._all([self._alternatives(test, False), self._alternatives(other, want)]),
                ]
            case "is_null" if part.arguments[0] == self.target:
                return [Alternative(null=want)]
            case "member":
                value, *items = part.arguments
                if want and self.reads(value):
                    return [Alternative(atoms=(Atom("==", value, one),), null=False) for one in items]
                return [Alternative()]
            case "compare" | "compare_fractions":
                return self._compared(part, want)
            case _:
                return [Alternative()]

    def _compared(self, part: Apply, want: bool) -> list[Alternative]:
        left, right = part.arguments
        operator = part.detail if isinstance(part.detail, str) else part.detail[0]
        operator = operator if want else _NEGATED[operator]
        if left.type.kind is Kind.BOOLEAN and operator in ("==", "!="):
            return [
                one
                for value in (True, False)
                for one in self._all(
                    [self._alternatives(left, value), self._alternatives(right, value == (operator == "=="))]
                )
            ]
        if part.operation == "compare_fractions" or operator == "!=":
            return [Alternative()]
        if self.reads(left) and not self.reads(right):
            return [Alternative(atoms=(Atom(operator, left, right),), null=False)]
        if self.reads(right) and not self.reads(left):
            return [Alternative(atoms=(Atom(_FLIPPED[operator], right, left),), null=False)]
        return [Alternative()]

    def _all(self, parts: Sequence[list[Alternative]]) -> list[Alternative]:
        found = [Alternative()]
        for part in parts:
            both = (one.also(other) for one in found for other in part)
            found = [one for one in both if one is not None][:_MOST]
        return found


class Solved:
    """A rule solved for the records of a cell."""

    def __init__(self, solver: Solver, cell: Cell, rows: Rows | None) -> None:
        """rows: records of the rule's entity."""
        self._solver = solver
        self._entity = solver.rule.entity
        self._scope: Scope = solver.target.scope
        self._view = cell.view(self._entity, solver.needs, rows)
        self._count = cell.rows[self._entity] if rows is None else len(rows)
        self._offsets = self._view.children[self._scope[0]].offsets if self._scope else None
        self.places = self._count if self._offsets is None else int(self._offsets[-1])
        self._cache: dict[int, tables.Column] = {}

    def choose(self, skip: int = 0) -> tuple[Numbers, Numbers, tuple[tuple[Typed, Mask], ...]]:
        """For each place the least and greatest value by the first alternative that may hold there.

        skip: take a later alternative where there is one. Also the columns that the field should equal, and where.
        """
        low, high = np.full(self.places, -np.inf), np.full(self.places, np.inf)
        copies: list[tuple[Typed, Mask]] = []
        left = np.ones(self.places, np.bool_)
        alternatives = self._solver.alternatives
        for one in alternatives[skip:] or alternatives:
            here = left & self._may_hold(one)
            if not here.any():
                continue
            left &= ~here
            for atom in one.atoms:
                if atom.left == self._solver.target and atom.left.type.textual:
                    if atom.operator == "==" and self._solver.knows(atom.right):
                        copies.append((atom.right, here))
                    continue
                found = self._solve(atom)
                if found is not None:
                    low = np.where(here, np.maximum(low, found[0]), low)
                    high = np.where(here, np.minimum(high, found[1]), high)
            if not left.any():
                break
        return low, high, tuple(copies)

    def _may_hold(self, one: Alternative) -> Mask:
        """Where no guard is surely broken."""
        may = np.ones(self.places, np.bool_)
        for guard, want in one.guards:
            if self._solver.knows(guard):
                column = self.at(guard)
                known = np.ones(self.places, np.bool_) if column.known is None else column.known
                may &= ~known | (column.values == want)
        return may

    def at(self, part: Typed) -> tables.Column:
        """The values of a part at the field's own rows."""
        key = id(part)
        if key not in self._cache:
            column = values_of(part, self._view)
            of_row = len(part.scope) == 0 and not isinstance(part, Constant | Given)
            if self._offsets is not None and (of_row or isinstance(part, Constant | Given)):
                column = _repeated(column, np.diff(self._offsets))
            self._cache[key] = column
        return self._cache[key]

    def _numbers(self, part: Typed) -> tuple[Numbers, Mask]:
        """Values as numbers, and where they are known."""
        column = self.at(part)
        known = np.ones(self.places, np.bool_) if column.known is None else column.known
        return column.values.astype(np.float64), known

    def _solve(self, atom: Atom) -> tuple[Numbers, Numbers] | None:
        if atom.left.type.textual:
            return None
        bound = self._bound(atom)
        if bound is None:
            return None
        values, known = bound
        whole = atom.left.type.kind is not Kind.NUMBER
        step = np.ones_like(values) if whole else np.abs(values) * _TINY + 1e-12
        low, high = np.full(self.places, -np.inf), np.full(self.places, np.inf)
        match atom.operator:
            case "==":
                low, high = values.copy(), values.copy()
            case "<" | "<=":
                high = values - step if atom.operator == "<" else values.copy()
            case ">" | ">=":
                low = values + step if atom.operator == ">" else values.copy()
        low[~known], high[~known] = -np.inf, np.inf
        return self._inside(atom.left, low, high)

    def _bound(self, atom: Atom) -> tuple[Numbers, Mask] | None:
        """The right side; where a column of it is not known yet, what it can be at most or at least."""
        if self._solver.knows(atom.right):
            return self._numbers(atom.right)
        right = atom.right
        while isinstance(right, Spread) or (isinstance(right, Apply) and right.operation == "to_number"):
            right = right.operand if isinstance(right, Spread) else right.arguments[0]
        if not isinstance(right, Column):
            return None
        least, most = self._solver.static.get(
            place_of(self._solver.rule.schema, self._entity, right), (-np.inf, np.inf)
        )
        value = {"<": most, "<=": most, ">": least, ">=": least}.get(atom.operator)
        if value is None or not np.isfinite(value):
            return None
        return np.full(self.places, value), np.ones(self.places, np.bool_)

    def _inside(self, part: Typed, low: Numbers, high: Numbers) -> tuple[Numbers, Numbers] | None:
        """What the field must be for the part to be within bounds; None if that is not known."""
        if part == self._solver.target:
            return low, high
        match part:
            case Spread():
                return self._inside(part.operand, low, high)
            case Fold():
                return self._folded(part, low, high)
            case Apply():
                return self._operation(part, low, high)
            case _:
                return None

    def _operation(self, part: Apply, low: Numbers, high: Numbers) -> tuple[Numbers, Numbers] | None:
        inner = [one for one in part.arguments if self._solver.reads(one)]
        others = [one for one in part.arguments if not self._solver.reads(one)]
        if len(inner) != 1 and part.operation != "choose":
            return None
        if not all(self._solver.knows(one) for one in others):
            return None
        first = part.arguments[0] is inner[0]
        match part.operation:
            case "to_number" | "round" | "floor" | "ceil" | "round_to" | "coalesce" | "least" | "greatest":
                return self._inside(inner[0], low, high)
            case "add":
                other, _ = self._numbers(others[0])
                return self._inside(inner[0], low - other, high - other)
            case "subtract":
                other, _ = self._numbers(others[0])
                if first:
                    return self._inside(inner[0], low + other, high + other)
                return self._inside(inner[0], other - high, other - low)
            case "negate":
                return self._inside(inner[0], -high, -low)
            case "abs":
                return self._inside(inner[0], -high, high) if (low <= 0).all() else self._inside(inner[0], low, high)
            case "multiply":
                other, _ = self._numbers(others[0])
                with np.errstate(all="ignore"):
                    below, above = np.where(other > 0, low, high) / other, np.where(other > 0, high, low) / other
                free = (other == 0) & (low <= 0) & (high >= 0)
                return self._inside(
                    inner[0],
                    np.where(free, -np.inf, np.nan_to_num(below, nan=np.inf, posinf=np.inf, neginf=-np.inf)),
                    np.where(free, np.inf, np.nan_to_num(above, nan=-np.inf, posinf=np.inf, neginf=-np.inf)),
                )
            case "divide" if first:
                other, _ = self._numbers(others[0])
                below, above = np.where(other > 0, low, high) * other, np.where(other > 0, high, low) * other
                return self._inside(inner[0], below, above)
            case "whole":
                day, _ = self._numbers(others[0])
                return self._inside(inner[0], low * day, (high + 1) * day - 1)
            case "year":
                return self._inside(inner[0], _first_day(low), _first_day(high + 1) - 1)
            case "choose":
                chosen = part.arguments[1] if self._solver.reads(part.arguments[1]) else part.arguments[2]
                return self._inside(chosen, low, high)
            case _:
                return None

    def _folded(self, part: Fold, low: Numbers, high: Numbers) -> tuple[Numbers, Numbers] | None:
        """Children that add up share the sum: each gets an equal part of it, and the first what is left."""
        if part.fold in ("min", "max"):
            return self._inside(part.argument, low, high)
        if part.fold != "sum" or self._offsets is None or part.argument.scope != self._scope:
            return None
        argument, adds = part.argument, np.ones(self.places, np.bool_)
        if isinstance(argument, Apply) and argument.operation == "choose":
            test, chosen, other = argument.arguments
            if self._solver.reads(test) or not self._solver.knows(test):
                return None
            column = self.at(test)
            holds = column.values if column.known is None else column.values & column.known
            adds = holds if self._solver.reads(chosen) else ~holds
            argument = chosen if self._solver.reads(chosen) else other
        counts = np.diff(self._offsets)
        running = np.concatenate(([0], np.cumsum(adds)))
        sharing = np.repeat(running[self._offsets[1:]] - running[self._offsets[:-1]], counts)
        before = running[:-1] - np.repeat(running[self._offsets[:-1]], counts)
        share = np.maximum(sharing, 1)
        with np.errstate(all="ignore"):
            most = np.floor(high / share)
            least = np.ceil(low / share)
            exact = (low == high) & np.isfinite(low)
            equal = np.where(before == 0, low - most * (share - 1), most)
        least, most = np.where(exact, equal, least), np.where(exact, equal, most)
        return self._inside(argument, np.where(adds, least, -np.inf), np.where(adds, most, np.inf))


def _first_day(year: Numbers) -> Numbers:
    """The first day of a year, in days since 1970."""
    finite = np.isfinite(year)
    whole = np.where(finite, year, 1970).astype(np.int64) - 1970
    days = whole.astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64).astype(np.float64)
    return np.where(finite, days, year)


def _repeated(column: tables.Column, counts: Any) -> tables.Column:
    known = None if column.known is None else np.repeat(column.known, counts)
    return tables.Column(np.repeat(column.values, counts), known, column.texts)
