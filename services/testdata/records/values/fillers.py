"""Chooses how the values of a field are made: by its type, its bounds, its format and its name."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, Protocol, assert_never

import numpy as np

from services.testdata.records.tables import Column, Numbers, Rows
from services.testdata.records.values.dictionaries import Bounds, Dictionary, allowed, fitted, numbered
from services.testdata.records.values.draws import Draws
from services.testdata.records.values.errors import NoSuchLocale, NoValues, TooFewValues
from services.testdata.records.values.meanings import Meaning, meaning, snake
from services.testdata.records.values.measured import Like, SomeNullFiller
from services.testdata.records.values.numbers import (
    CALENDAR,
    MACHINE,
    ChoiceFiller,
    NullFiller,
    RowFiller,
    WholeFiller,
    texts_of,
)
from services.testdata.records.values.patterns import PatternFiller
from services.testdata.records.values.pools import DEFAULT_LOCALE, locales
from services.testdata.records.values.skewed import PopularFiller, SeasonalFiller, SkewedFiller, popular
from services.testdata.records.values.texts import NumberedFiller, PoolFiller, SerialFiller, UuidFiller
from shared.model.packs.expressions import column_type
from shared.model.packs.model import Entity, Field, FieldType
from shared.model.packs.values import read_value
from shared.rules.literals import stored

NULLS = 10
"""One in so many values of a nullable field is null."""
_FINEST = 308
"""The most digits after the point; the least normal float has so many."""
_EXACT = 1 << 49
"""Below this, whole numbers and tenths are exact floats."""
_NUMBER_DIGITS = 8
"""The digits of numbers in different texts, unless the count of rows is known."""
_TOGETHER = {"people", "places", "companies", "products"}
"""Pools whose fields belong together in a record."""
_FIXED = {"phone", "iban", "card", "country"}
"""Texts that have no room for a number."""
_SECOND, _DAY = 1_000_000, 86_400_000_000
_EPOCH = date(1970, 1, 1)


class Filler(Protocol):
    """Makes the values of one field. Any rows may be asked for, in any order."""

    @property
    def space(self) -> int | None:
        """How many different values there are; None if there is no bound that matters."""
        ...

    def fill(self, draws: Draws, rows: Rows) -> Column:
        """The values of these rows."""
        ...


def filler(
    field: Field,
    entity: str,
    locale: str = "",
    rows: int | None = None,
    unique: bool | None = None,
    production_like: bool = False,
    like: Like | None = None,
) -> Filler:
    """How the values of a field of an entity are made.

    locale: such as `de-DE`; empty for DEFAULT_LOCALE. rows: how many records there will be, if it is known; a unique
    field must have so many values. unique: instead of what the field says, such as for the only field of a key.
    production_like: skewed and seasonal values instead of equally likely ones; not for unique fields. like: values as
    sample rows have them, instead of those.
    Raises NoSuchLocale, NoValues, TooFewValues, and what PatternFiller raises.
    """
    chosen = _Choice(field, entity, locale or DEFAULT_LOCALE, rows, field.unique if unique is None else unique)
    made = chosen.filler()
    usual = made
    if like is not None and not chosen.unique:
        made = like.filler(field, made)
    if production_like and made is usual and not chosen.unique:
        made = _skewed(made)
    space = made.space
    if chosen.unique and space is not None and rows is not None and rows > space:
        raise TooFewValues(field=field.name, entity=entity, exist=f"{space:,}", rows=f"{rows:,}")
    if not field.nullable:
        return made
    if like is not None and field.name in like.nulls:
        return SomeNullFiller(made, like.nulls[field.name])
    return NullFiller(made, NULLS)


def _skewed(made: Filler) -> Filler:
    """The filler of the same values, as businesses have them."""
    match made:
        case ChoiceFiller():
            return replace(made, weights=popular(made.space))
        case PoolFiller():
            return PopularFiller(made)
        case WholeFiller(type=FieldType.DATE | FieldType.DATETIME as kind):
            most = made.least + (made.space - 1) * made.step
            return SeasonalFiller(kind, made.least, most)
        case WholeFiller() if made.type is not FieldType.TIME:
            return SkewedFiller(made.type, made.least, made.space, made.step, made.scale)
        case _:
            return made


class _Choice:
    def __init__(self, field: Field, entity: str, locale: str, rows: int | None, unique: bool) -> None:
        if locale not in locales():
            raise NoSuchLocale(locale=locale[:40], known=", ".join(locales()))
        self._field = field
        self._entity = entity
        self._locale = locale
        self._rows = rows
        self.unique = unique or field.type is FieldType.IDENTIFIER
        self._name = snake(field.name)

    def filler(self) -> Filler:
        field = self._field
        if field.values:
            return ChoiceFiller(column_of(field, field.values), unique=self.unique)
        match field.type:
            case FieldType.INTEGER | FieldType.MONEY:
                return self._whole()
            case FieldType.NUMBER:
                return self._number()
            case FieldType.BOOLEAN:
                return WholeFiller(field.type, 0, 2, unique=self.unique)
            case FieldType.DATE | FieldType.DATETIME | FieldType.TIME | FieldType.DURATION:
                return self._time()
            case FieldType.IDENTIFIER:
                return self._identifier()
            case FieldType.JSON:
                return self._of_pool(
                    Meaning("texts", "json"), fitted("texts", "json", self._locale, Bounds(0, None, ""))
                )
            case FieldType.TEXT:
                return self._unique_text() if self.unique else self._text()
            case _:
                assert_never(field.type)

    def _bounds(self, read: Callable[[Any], int], default: tuple[int, int], step: int = 1) -> tuple[int, int]:
        """The least and the greatest value. A bound that is missing is as far from the other as in the default."""
        field = self._field
        least = None if field.minimum is None else read(field.minimum) + (step if field.exclusive_minimum else 0)
        most = None if field.maximum is None else read(field.maximum) - (step if field.exclusive_maximum else 0)
        return self._within(least, most, default)

    def _within(self, least: int | None, most: int | None, default: tuple[int, int]) -> tuple[int, int]:
        span = default[1] - default[0]
        if (least, most) in MACHINE and not self.unique:
            least, most = None, None
        if least is None and most is None:
            least, most = default
        elif least is None:
            assert most is not None
            least = default[0] if default[0] < most else most - span
        elif most is None:
            most = default[1] if default[1] > least else least + span
        if self.unique and self._rows is not None and most - least + 1 < self._rows and self._field.maximum is None:
            most = least + self._rows - 1
        if least > most:
            raise NoValues(field=self._field.name, entity=self._entity, why="its least value is above its greatest")
        return least, most

    def _whole(self) -> Filler:
        field = self._field
        least, most = self._bounds(int, self._usual())
        if field.precision is not None:
            digits = 10 ** min(field.precision, 18) - 1
            least, most = max(least, -digits), min(most, digits)
        return WholeFiller(field.type, least, min(most - least + 1, 1 << 62), unique=self.unique)

    def _usual(self) -> tuple[int, int]:
        """Bounds of whole numbers that have none, by their names."""
        if self._field.type is FieldType.MONEY:
            return 100, 50_000
        for names, bounds in _USUAL:
            if re.search(rf"(^|_)({names})(_|$)", self._name):
                return bounds
        return 0, 1_000

    def _number(self) -> Filler:
        field = self._field
        least, most = (None if bound is None else Decimal(str(bound)) for bound in (field.minimum, field.maximum))
        scale = field.scale
        if scale is None:
            scale = _scale_of(least, most)
        unit = Decimal(10) ** scale
        low = None if least is None else int((least * unit).to_integral_value(ROUND_CEILING))
        high = None if most is None else int((most * unit).to_integral_value(ROUND_FLOOR))
        if low is not None and least is not None and field.exclusive_minimum and low == least * unit:
            low += 1
        if high is not None and most is not None and field.exclusive_maximum and high == most * unit:
            high -= 1
        lowest, highest = self._within(low, high, (0, 1_000 * 10 ** max(scale, 0)))
        # Larger numbers are no exact floats.
        digits = min(2**53, 10**field.precision - 1 if field.precision is not None and field.precision < 16 else 2**53)
        lowest, highest = max(lowest, -digits), min(highest, digits)
        if lowest > highest:
            raise NoValues(field=field.name, entity=self._entity, why="no number has so few digits")
        return WholeFiller(field.type, lowest, highest - lowest + 1, scale=scale, unique=self.unique)

    def _time(self) -> Filler:
        field = self._field
        step = 1 if field.type is FieldType.DATE else _SECOND

        def read(bound: Any) -> int:
            value = stored_value(field.type, bound)
            assert isinstance(value, int)
            return value

        least, most = self._bounds(read, self._usual_times(), step)
        if (calendar := CALENDAR.get(field.type)) is not None:
            least, most = max(least, calendar[0]), min(most, calendar[1])
        least = -(-least // step) * step if field.minimum is None or least % step == 0 else least
        return WholeFiller(field.type, least, (most - least) // step + 1, step, unique=self.unique)

    def _usual_times(self) -> tuple[int, int]:
        kind = self._field.type
        if kind is FieldType.TIME:
            return 0, _DAY - _SECOND
        if kind is FieldType.DURATION:
            return 60 * _SECOND, 30 * _DAY
        years = (2024, 2025)
        if re.search(r"birth|dob", self._name):
            years = (1945, 2006)
        elif re.search(r"expir|until|due|deadline|renew", self._name):
            years = (2026, 2028)
        days = [(date(year, *day) - _EPOCH).days for year, day in zip(years, ((1, 1), (12, 31)), strict=True)]
        if kind is FieldType.DATE:
            return days[0], days[1]
        return days[0] * _DAY, (days[1] + 1) * _DAY - _SECOND

    def _identifier(self) -> Filler:
        field = self._field
        if field.format == "uuid":
            return UuidFiller(field.type)
        if column_type(Entity(self._entity), field).integer:
            least = int(str(field.minimum)) if field.minimum is not None else 1
            space = None if field.maximum is None else int(str(field.maximum)) - least + 1
            return RowFiller(field.type, least, space)
        if field.pattern:
            return PatternFiller(field.type, field.pattern, field.min_length, field.max_length, unique=True)
        longest = field.max_length if field.max_length is not None else 40
        prefix = snake(self._entity)[:3].upper() + "-" if longest >= 10 else ""
        width = max(min(8, longest - len(prefix)), field.min_length - len(prefix)) if longest >= 10 else 0
        digits = min(18, longest - len(prefix))
        return SerialFiller(field.type, prefix, max(width, field.min_length - len(prefix)), 10**digits - 1)

    def _text(self) -> Filler:
        field, meant = self._field, meaning(self._field, self._entity)
        if meant is not None:
            found = allowed(meant.pool, meant.column, self._locale, self._texts)
            if found is not None:
                return self._of_pool(meant, found)
        if field.pattern:
            return PatternFiller(field.type, field.pattern, field.min_length, field.max_length)
        if field.format in _PATTERNS:
            return PatternFiller(field.type, _PATTERNS[field.format], field.min_length, field.max_length)
        if meant is None:
            longest = field.max_length if field.max_length is not None else 200
            meant = Meaning("texts", "word" if longest < 12 else "words" if longest < 60 else "sentence")
        return self._of_pool(meant, fitted(meant.pool, meant.column, self._locale, self._texts))

    @property
    def _texts(self) -> Bounds:
        return Bounds(self._field.min_length, self._field.max_length, self._field.pattern)

    def _of_pool(self, meant: Meaning, found: Dictionary) -> PoolFiller:
        return PoolFiller(self._field.type, found.strings, found.lookup, self._group(meant))

    def _group(self, meant: Meaning) -> str:
        return f"{meant.pool}/{meant.group}" if meant.pool in _TOGETHER else f"{meant.pool}/{self._field.name}"

    def _unique_text(self) -> Filler:
        field, meant = self._field, meaning(self._field, self._entity)
        if field.format == "uuid" and not field.pattern:
            return UuidFiller(field.type)
        if meant is None and not field.pattern:
            meant = Meaning("texts", "words")
        if meant is not None and meant.column not in _FIXED:
            digits = _NUMBER_DIGITS if self._rows is None else max(2, len(str(self._rows - 1)))
            found = numbered(meant.pool, meant.column, self._locale, self._texts, digits)
            if found is not None:
                texts = found.dictionary
                return NumberedFiller(
                    field.type, texts.strings, texts.lookup, self._group(meant), found.between, found.after, 10**digits
                )
        pattern = field.pattern or _PATTERNS.get(meant.column if meant else field.format, "[a-z0-9]+")
        return PatternFiller(field.type, pattern, field.min_length, field.max_length, unique=True)


_USUAL = (
    ("quantity|qty|pieces|units", (1, 10)),
    ("age", (18, 90)),
    ("rating|stars|score|priority|level", (1, 5)),
    ("percent|percentage|discount", (0, 100)),
    ("year", (1990, 2026)),
    ("count|number_of|uses|attempts|retries", (0, 50)),
    ("port", (1024, 65535)),
)
"""Bounds of whole numbers by words in their names."""
_PATTERNS = {
    "email": r"[a-z]{3,10}\.[a-z]{3,12}@example\.(com|org|net)",
    "phone": r"\+[1-9][0-9]{9,11}",
    "country": "[A-Z]{2}",
    "iban": r"[A-Z]{2}[0-9]{20}",
    "card": "4[0-9]{15}",
    "uuid": "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
}
"""Texts of these formats, where no pool has enough or fitting ones."""


def _scale_of(least: Decimal | None, most: Decimal | None) -> int:
    """Digits after the point for a thousand different numbers within bounds, as far as floats tell them apart.

    Below 0 where only numbers exist that are too large for others.
    """
    scale, smallest = 2, max(least or Decimal(), -(most or Decimal()))
    while smallest.scaleb(scale) >= _EXACT:
        scale -= 1
    if least is None or most is None:
        return scale
    finest, largest = 9 if least == most else _FINEST, max(abs(least), abs(most))
    while scale < finest and (most - least).scaleb(scale) < 1_000 and largest.scaleb(scale) < _EXACT:
        scale += 1
    return scale


def stored_value(kind: FieldType, value: Any) -> int | float | bool | str | None:
    """A JSON value of a field as columns hold it."""
    read = read_value(kind, value)
    if kind is FieldType.DURATION:
        return int(read.total_seconds()) * _SECOND
    return stored(read)


def column_of(field: Field, values: Sequence[Any]) -> Column:
    """A column of these JSON values of a field; None is null."""
    known = np.array([value is not None for value in values], np.bool_)
    mask = None if known.all() else known
    kind = field.type
    if kind is FieldType.JSON:
        column: Column = texts_of(
            kind, [json.dumps(value, ensure_ascii=False, separators=(",", ":")) for value in values]
        )
    elif kind is FieldType.TEXT or (kind is FieldType.IDENTIFIER and not all(isinstance(one, int) for one in values)):
        column = texts_of(kind, ["" if value is None else str(value) for value in values])
    else:
        numbers = [0 if value is None else stored_value(kind, value) for value in values]
        if kind is FieldType.NUMBER:
            scales = [max(0, -int(Decimal(str(number)).as_tuple().exponent)) for number in numbers]
            return Numbers(type=kind, values=np.array(numbers, np.float64), scale=max(scales, default=0), known=mask)
        column = Numbers(type=kind, values=np.array(numbers, np.int64))
    return column if mask is None else replace(column, known=mask)
