"""Merges what several sources ask of fields: the narrower wins, and a contradiction names both."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, NamedTuple

from services.enricher.contexts.errors import ConstraintInvalid, ConstraintsContradict
from shared.model.events import Json
from shared.model.packs.model import Constraint, Entity, Field, Pack, Scenario
from shared.model.packs.values import ORDERED, TEXTUAL, described, has_between, read_value
from shared.patterns import BadPattern, compile_pattern
from shared.patterns.overlap import Overlap, Overlaps
from shared.words import all_of, counted
from shared.yaml import near

_ENTITY = "its entity"
"""Who asks for the bounds that stand in the entity, in sentences about one of its fields."""
_LOW, _HIGH = ("at least", "more than"), ("at most", "less than")
"""How a limit is said: inclusive, exclusive."""
_MOST_DIGITS = 400
"""No number has more digits before the point."""
_PATTERN_WORK = 100_000
"""How much one request may take to compare patterns, which is about 150 ms."""
_SHOWN = 5
"""How many values of an enumeration a sentence shows."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A constraint and who asks for it, as the subject of a sentence, such as `the scenario happy_path`."""

    constraint: Constraint
    by: str


def merge(pack: Pack, asked: Iterable[Asked]) -> tuple[Constraint, ...]:
    """What all of them allow, one constraint a field, in the order in which the fields are first named.

    The constraint starts from what the entity says of its field. Only one pattern stands in a constraint, the last;
    values match them all.
    Raises ConstraintInvalid, ConstraintsContradict.
    """
    fields = {(entity.name, field.name): field for entity in pack.entities for field in entity.fields}
    merged: dict[tuple[str, str], _Merged] = {}
    overlaps = Overlaps(_PATTERN_WORK)
    for one in asked:
        key = one.constraint.entity, one.constraint.field
        if key not in fields:
            raise _no_such_field(pack, one)
        if key not in merged:
            merged[key] = _Merged.of(fields[key], overlaps)
        merged[key] = merged[key].narrowed(one)
    return tuple(one.constraint(*key) for key, one in merged.items())


def asked_by_entity(entity: Entity) -> Iterator[Asked]:
    """What an entity says of its fields, without those that it does not bound."""
    for field in entity.fields:
        constraint = Constraint(
            entity=entity.name,
            field=field.name,
            minimum=field.minimum,
            maximum=field.maximum,
            exclusive_minimum=field.exclusive_minimum,
            exclusive_maximum=field.exclusive_maximum,
            min_length=field.min_length,
            max_length=field.max_length,
            pattern=field.pattern,
            values=field.values,
        )
        if constraint != Constraint(entity.name, field.name):
            yield Asked(constraint, _ENTITY)


def asked_by_scenario(scenario: Scenario, entities: Container[str]) -> Iterator[Asked]:
    """What a scenario asks of the fields of some entities."""
    for one in scenario.constraints:
        if one.entity in entities:
            yield Asked(one, f"the scenario {scenario.id}")


def _no_such_field(pack: Pack, asked: Asked) -> ConstraintInvalid:
    entity, name = asked.constraint.entity, asked.constraint.field
    found = pack.entity(entity)
    if found is None:
        why = f"there is no entity `{entity}`{near(entity, [one.name for one in pack.entities])}"
    else:
        why = f"`{entity}` has no field `{name}`{near(name, [one.name for one in found.fields])}"
    return ConstraintInvalid(of=f"What {asked.by} asks of `{entity}.{name}`", why=why)


@dataclass(frozen=True, slots=True)
class _Limit:
    """One limit of a field and who set it. exclusive: the value itself is not allowed."""

    value: Any
    by: str
    exclusive: bool = False


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A pattern that a whole text matches, and who asks for it."""

    source: str
    by: str

    def said(self) -> "_Clause":
        return _Clause(f"{self.by} asks for", f"the pattern {self.source}")


class _Clause(NamedTuple):
    """What somebody asks, such as `the request asks for` and `at least 5`."""

    who: str
    what: str


@dataclass(frozen=True, slots=True)
class _Merged:
    """What a field may be, and who said each part."""

    field: Field
    overlaps: Overlaps
    minimum: _Limit | None = None
    maximum: _Limit | None = None
    shortest: _Limit | None = None
    longest: _Limit | None = None
    values: tuple[Json, ...] = ()
    values_by: str = ""
    patterns: tuple["_Pattern", ...] = ()
    nullable: bool | None = None

    @classmethod
    def of(cls, field: Field, overlaps: Overlaps) -> "_Merged":
        by = _ENTITY
        return cls(
            field=field,
            overlaps=overlaps,
            minimum=None if field.minimum is None else _Limit(field.minimum, by, field.exclusive_minimum),
            maximum=None if field.maximum is None else _Limit(field.maximum, by, field.exclusive_maximum),
            shortest=_Limit(field.min_length, by) if field.min_length else None,
            longest=None if field.max_length is None else _Limit(field.max_length, by),
            values=field.values,
            values_by=by,
            patterns=(_Pattern(field.pattern, by),) if field.pattern else (),
        )

    def constraint(self, entity: str, name: str) -> Constraint:
        low, high = self.minimum, self.maximum
        return Constraint(
            entity=entity,
            field=name,
            minimum=low and low.value,
            maximum=high and high.value,
            exclusive_minimum=low is not None and low.exclusive,
            exclusive_maximum=high is not None and high.exclusive,
            min_length=self.shortest.value if self.shortest else 0,
            max_length=self.longest.value if self.longest else None,
            pattern=self.patterns[-1].source if self.patterns else "",
            values=tuple(value for value in self.values if not self._excluding(value)),
            nullable=self.nullable,
        )

    def narrowed(self, asked: Asked) -> "_Merged":
        """This and what is asked. Raises ConstraintInvalid, ConstraintsContradict."""
        _check(self.field, asked)
        new, by = asked.constraint, asked.by
        low = None if new.minimum is None else _Limit(new.minimum, by, new.exclusive_minimum)
        high = None if new.maximum is None else _Limit(new.maximum, by, new.exclusive_maximum)
        merged = replace(
            self,
            minimum=self._tighter(self.minimum, low, 1),
            maximum=self._tighter(self.maximum, high, -1),
            shortest=_longer(self.shortest, _Limit(new.min_length, by) if new.min_length else None, max),
            longest=_longer(self.longest, None if new.max_length is None else _Limit(new.max_length, by), min),
            nullable=self._nullable(new.nullable),
        )
        if new.pattern and all(one.source != new.pattern for one in self.patterns):
            merged = replace(merged, patterns=(*self.patterns, _Pattern(new.pattern, by)))
        if new.values:
            merged = replace(merged, **self._common(asked))
        merged._check_possible()
        return merged

    def _nullable(self, asked: bool | None) -> bool | None:
        """A field that is always given stays so."""
        if asked is None or self.nullable is False:
            return self.nullable
        return asked and self.field.nullable

    def _tighter(self, one: _Limit | None, other: _Limit | None, sign: int) -> _Limit | None:
        """The limit that allows less. sign: 1 for the greater minimum, -1 for the smaller maximum."""
        if one is None or other is None:
            return one or other
        a, b = self._read(one.value), self._read(other.value)
        if a == b:
            return other if other.exclusive else one
        return other if (b > a) == (sign > 0) else one

    def _common(self, asked: Asked) -> dict[str, Any]:
        """The values that both allow. Raises ConstraintsContradict."""
        new = asked.constraint.values
        if not self.values:
            return {"values": new, "values_by": asked.by}
        wanted = [self._read(value) for value in new]
        both = tuple(value for value in self.values if self._read(value) in wanted)
        if not both:
            known = near(str(new[0]), [str(value) for value in self.values]) if len(new) == 1 else ""
            raise self._contradiction(self._values_said(), _Clause(f"{asked.by} allows", _listed(new) + known))
        return {"values": both, "values_by": self.values_by if both == self.values else asked.by}

    def _check_possible(self) -> None:
        """Raise ConstraintInvalid or ConstraintsContradict if no value can be all of this."""
        self._check_bounds()
        if self.shortest and self.longest and self.shortest.value > self.longest.value:
            raise self._contradiction(*self._lengths_said())
        if not self.values:
            self._check_patterns()
            return
        excluding = [by for value in self.values if (by := self._excluding(value))]
        if len(excluding) == len(self.values):
            raise self._contradiction(self._values_said(), *dict.fromkeys(excluding))

    def _check_bounds(self) -> None:
        """Raise ConstraintsContradict if no value lies within the bounds, or none with so few digits."""
        low, high, field = self.minimum, self.maximum, self.field
        if low and high:
            bounds = self._read(low.value), self._read(high.value)
            if not has_between(field.type, *bounds, above=low.exclusive, below=high.exclusive):
                raise self._contradiction(_said(low, *_LOW), _said(high, *_HIGH))
            if not has_between(field.type, *bounds, above=low.exclusive, below=high.exclusive, scale=field.scale):
                rounded = _Clause(f"{_ENTITY} has", f"at most {counted(field.scale or 0, 'digit')} after the point")
                raise self._contradiction(_said(low, *_LOW), _said(high, *_HIGH), rounded)
        if field.precision is None:
            return
        digits = max(0, field.precision - (field.scale or 0))
        for one, sign, words in ((low, 1, _LOW), (high, -1, _HIGH)):
            if one is not None and sign * self._read(one.value) >= 10 ** min(digits, _MOST_DIGITS):
                most = _Clause(f"{_ENTITY} has", f"at most {counted(digits, 'digit')} before the point")
                raise self._contradiction(_said(one, *words), most)

    def _check_patterns(self) -> None:
        """Raise ConstraintsContradict if no text of the right length matches the patterns; the fewest are named.

        Raises ConstraintInvalid if it takes too long to find out whether a text matches several patterns.
        """
        least = self.shortest.value if self.shortest else 0
        most = self.longest.value if self.longest else None
        if not self.patterns:
            return
        *others, last = self.patterns
        found = self._overlap(self.patterns, least, most)
        if found is Overlap.UNKNOWN and others:
            sources = " and ".join(one.source for one in self.patterns)
            why = f"it takes too long to tell whether a text matches {sources}; make their counts smaller"
            raise ConstraintInvalid(of=f"What {last.by} asks of `{self.field.name}`", why=why)
        if found is not Overlap.NONE:
            return
        for some in (*((one,) for one in self.patterns), *((one, last) for one in others), self.patterns):
            for lengths in ((0, None), (least, None), (0, most), (least, most)):
                if self._overlap(some, *lengths) is Overlap.NONE:
                    raise self._contradiction(*(one.said() for one in some), *self._lengths_said(*lengths))

    def _overlap(self, patterns: Iterable[_Pattern], least: int, most: int | None) -> Overlap:
        return self.overlaps.of([one.source for one in patterns], least, most)

    def _excluding(self, value: Json) -> _Clause | None:
        """Who excludes a value, and by what; None if nobody does."""
        if self.field.type in ORDERED:
            read = self._read(value)
            for limit, sign, words in ((self.minimum, 1, _LOW), (self.maximum, -1, _HIGH)):
                if limit is None:
                    continue
                bound = self._read(limit.value)
                if (read == bound and limit.exclusive) or (read != bound and (read < bound) == (sign > 0)):
                    return _said(limit, *words)
        if not isinstance(value, str):
            return None
        if self.shortest and len(value) < self.shortest.value:
            return _characters(self.shortest, "at least")
        if self.longest and len(value) > self.longest.value:
            return _characters(self.longest, "at most")
        return next((one.said() for one in self.patterns if not compile_pattern(one.source).is_whole(value)), None)

    def _values_said(self) -> _Clause:
        return _Clause(f"{self.values_by} allows", _listed(self.values))

    def _lengths_said(self, least: int = 1, most: int | None = 0) -> Iterator[_Clause]:
        """Who asks for which lengths. least: 0 to leave out the shortest. most: None to leave out the longest."""
        if self.shortest and least:
            yield _characters(self.shortest, "at least")
        if self.longest and most is not None:
            yield _characters(self.longest, "at most")

    def _read(self, value: Json) -> Any:
        return read_value(self.field.type, value)

    def _contradiction(self, *asked: _Clause) -> ConstraintsContradict:
        """Clauses with one subject and verb become one."""
        clauses = [f"{who} {all_of(one.what for one in of)}" for who, of in groupby(asked, key=lambda one: one.who)]
        *others, last = clauses
        together = "both" if len(asked) == 2 else "all of it" if len(asked) > 2 else "that"
        said = f"{', '.join(others)}, and {last}" if others else last
        return ConstraintsContradict(field=self.field.name, asked=said, together=together)


def _longer(one: _Limit | None, other: _Limit | None, pick: Callable[..., Any]) -> _Limit | None:
    if one is None or other is None:
        return one or other
    return pick((one, other), key=lambda limit: limit.value)  # type: ignore[no-any-return]


def _check(field: Field, asked: Asked) -> None:
    """Raise ConstraintInvalid if a field of this type cannot be asked this."""
    new = asked.constraint
    of = f"What {asked.by} asks of `{new.entity}.{new.field}`"
    if field.type not in ORDERED and (new.minimum is not None or new.maximum is not None):
        raise ConstraintInvalid(of=of, why=f"the field is {field.type}, whose values are not greater or less")
    if field.type not in TEXTUAL and (new.min_length or new.max_length is not None or new.pattern):
        raise ConstraintInvalid(of=of, why=f"the field is {field.type}, whose values have no length and no pattern")
    for value in (new.minimum, new.maximum, *new.values):
        if value is None:
            continue
        try:
            read_value(field.type, value)
        except ValueError:
            raise ConstraintInvalid(of=of, why=f"{value!r} is not {described(field.type)}") from None
    if new.pattern:
        try:
            compile_pattern(new.pattern)
        except BadPattern as bad:
            raise ConstraintInvalid(of=of, why=f"the pattern cannot be read: {bad}") from None


def _said(limit: _Limit, inclusive: str, exclusive: str) -> _Clause:
    return _Clause(f"{limit.by} asks for", f"{exclusive if limit.exclusive else inclusive} {limit.value}")


def _characters(limit: _Limit, how: str) -> _Clause:
    return _Clause(f"{limit.by} asks for", f"{how} {counted(limit.value, 'character')}")


def _listed(values: Sequence[Json]) -> str:
    shown = ", ".join(str(value) for value in values[:_SHOWN])
    more = len(values) - _SHOWN
    return f"only {shown}" + (f" and {more} more" if more > 0 else "")


def shares(weights: Mapping[str, float]) -> dict[str, float]:
    """Weights as shares with the sum 1; equal ones if all weights are 0."""
    total = sum(weights.values())
    if total <= 0:
        return {name: 1 / len(weights) for name in weights}
    return {name: weight / total for name, weight in weights.items()}
