"""Values of single fields: within their bounds, the same for any rows, and different where they must be."""

import json
import re
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from services.testdata.records.generation.participants import constrained
from services.testdata.records.tables import Column, Numbers, Serials, Texts, Uuids
from services.testdata.records.values import Draws, fill, filler
from services.testdata.records.values.edges import allows, boundary_cases, cases_of_pack, security_cases
from services.testdata.records.values.errors import NoSuchLocale, NoValues, TooFewValues
from services.testdata.records.values.fillers import stored_value
from services.testdata.records.values.pools import POOLS, locales, pool
from shared.model.packs.model import Category, Constraint, EdgeCase, Field, FieldType
from shared.patterns import compile_pattern
from shared.patterns.errors import PatternRefused

ROWS = 3_000


def values(column: Column) -> list[Any]:
    """The values as Python's, null as None."""
    match column:
        case Numbers():
            found: list[Any] = column.values.tolist()
        case Texts():
            texts = column.strings.texts
            found = [texts[code] for code in column.codes.tolist()]
        case Uuids():
            pairs = zip(column.high.tolist(), column.low.tolist(), strict=True)
            found = [f"{high << 64 | low:032x}" for high, low in pairs]
        case Serials():
            found = [f"{column.prefix}{number:0{column.width}d}" for number in column.numbers.tolist()]
    known = column.known
    return found if known is None else [one if here else None for one, here in zip(found, known.tolist(), strict=True)]


def drawn(field: Field, entity: str = "order", locale: str = "", rows: int = ROWS) -> list[Any]:
    return values(fill(field, Draws(7, entity, field.name), 0, rows, locale))


FIELDS = [
    Field("status", values=("open", "paid")),
    Field("id", FieldType.IDENTIFIER, format="uuid"),
    Field("number", FieldType.IDENTIFIER),
    Field("email", unique=True, format="email"),
    Field("name", nullable=True),
    Field("code", pattern="[A-Z0-9]{4,20}", unique=True),
    Field("city"),
    Field("note", max_length=40),
    Field("quantity", FieldType.INTEGER, minimum=1, maximum=99),
    Field("price", FieldType.MONEY, minimum=1),
    Field("rate", FieldType.NUMBER, minimum=0, exclusive_minimum=True, maximum=0.3, scale=3),
    Field("born", FieldType.DATE, minimum="1990-01-01", maximum="1990-12-31"),
    Field("opens", FieldType.TIME),
    Field("made", FieldType.DATETIME, minimum="2026-01-01T00:00:00Z"),
    Field("takes", FieldType.DURATION, maximum="2 hours"),
    Field("gift", FieldType.BOOLEAN),
    Field("meta", FieldType.JSON),
]


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_any_rows_alone_have_the_values_that_they_have_among_all(field: Field) -> None:
    made, draws = filler(field, "order"), Draws(7, "order", field.name)
    every = values(made.fill(draws, np.arange(ROWS)))
    some = np.array([5, 2, 2_999, 2, 1_000])

    assert values(made.fill(draws, np.arange(1_234, 2_345))) == every[1_234:2_345]
    assert values(made.fill(draws, some)) == [every[row] for row in some]
    assert len(set(every)) > 1


@pytest.mark.parametrize("kind", [FieldType.INTEGER, FieldType.MONEY, FieldType.NUMBER])
@given(bounds=st.tuples(st.integers(-(10**9), 10**9), st.integers(0, 10**9)), exclusive=st.booleans())
@settings(max_examples=20, deadline=None)
def test_numbers_keep_their_bounds_and_reach_narrow_ones(
    kind: FieldType, bounds: tuple[int, int], exclusive: bool
) -> None:
    least, most = bounds[0], bounds[0] + bounds[1] + 2
    field = Field("size", kind, minimum=least, maximum=most, exclusive_minimum=exclusive, scale=0)

    numbers = drawn(field, rows=200)

    assert all(least <= number <= most for number in numbers)
    assert not (exclusive and least in numbers)
    assert bounds[1] > 10 or len(set(numbers)) == bounds[1] + 3 - exclusive


@pytest.mark.parametrize(
    ("least", "most"), [(1e-300, 2e-300), (-2e-9, 3e-9), (1 + 1e-10, 1 + 2e-10), (1e300, 2e300), (None, -1e300)]
)
def test_numbers_of_any_size_keep_their_bounds(least: float | None, most: float) -> None:
    numbers = drawn(Field("size", FieldType.NUMBER, minimum=least, maximum=most, exclusive_maximum=True), rows=200)

    assert all((least is None or least <= number) and number < most for number in numbers)
    assert len(set(numbers)) > 100


def test_dates_times_and_durations_keep_their_bounds() -> None:
    for name in ("born", "made", "takes", "opens"):
        field = next(field for field in FIELDS if field.name == name)
        found = drawn(field)
        least = stored_value(field.type, field.minimum) if field.minimum else 0
        most = stored_value(field.type, field.maximum) if field.maximum else 1 << 60
        assert isinstance(least, int)
        assert isinstance(most, int)
        assert least <= min(found) < max(found) <= most
    assert {date.fromordinal(719_163 + day).year for day in drawn(FIELDS[11])} == {1990}
    for kind, last in (
        (FieldType.DATE, "9999-12-30"),
        (FieldType.DATETIME, "9999-12-31T23:59:50Z"),
        (FieldType.TIME, "23:59:50"),
    ):
        least = stored_value(kind, last)
        assert isinstance(least, int)
        assert least <= min(drawn(Field("end", kind, minimum=last)))


PATTERNS = [
    r"[A-Z0-9]{2,10}(-[A-Z0-9]{1,10}){0,3}",
    r"[^@\s]+@[^@\s]+\.[^@\s]+",
    r"\+[1-9][0-9]{6,14}",
    r"^(foo|ba[rz]+|ü.?)$",
    r"[À-ÿ]{3}[\x{1F600}-\x{1F64F}]?",
    r"(?:a|ab)(?P<end>c|bc)\d*",
    r"\w{30}|[[:upper:]]{20}",
    r"-?\d+(\.\d{2})?",
]


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("unique", [False, True])
def test_texts_of_a_pattern_match_it_and_are_different_where_they_must_be(pattern: str, unique: bool) -> None:
    texts = drawn(Field("x", pattern=pattern, unique=unique, min_length=2, max_length=30), rows=500)

    whole = compile_pattern(rf"^(?:{pattern})$")
    assert all(whole.find(text) and 2 <= len(text) <= 30 for text in texts)
    assert not unique or len(set(texts)) == 500


@given(st.from_regex(r"[a-f]{1,3}([0-9]|x+|(gh|i)?){0,2}(j{2,}|k)?", fullmatch=True), st.booleans())
@settings(max_examples=30, deadline=None)
def test_a_pattern_of_one_text_gives_that_text(text: str, unique: bool) -> None:
    assert drawn(Field("x", pattern=text, unique=unique), rows=1) == [text]


def test_exactly_as_many_different_values_are_made_as_exist() -> None:
    codes = Field("code", pattern="[ab]{1,3}", unique=True)
    assert len(set(drawn(codes, rows=14))) == 14
    with pytest.raises(TooFewValues, match="code of order is unique and has 14 different values, fewer than 15"):
        filler(codes, "order", rows=15)
    with pytest.raises(TooFewValues, match="has 3 different"):
        filler(Field("size", FieldType.INTEGER, minimum=1, maximum=3, unique=True), "order", rows=4)
    with pytest.raises(TooFewValues, match="has 2 different"):
        filler(Field("status", values=("a", "b"), unique=True), "order", rows=3)
    assert sorted(drawn(Field("size", FieldType.INTEGER, minimum=1, maximum=500, unique=True), rows=500)) == [
        *range(1, 501)
    ]


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("ab(?=c)", "look-around at character 3"),
        (r"(a)\1", "back reference at character 4"),
        (r"\bword", "word boundary at character 1"),
        ("(?i)a", "flags at character 1"),
        ("a^b", "an anchor in the middle at character 2"),
    ],
)
def test_patterns_that_cannot_be_generated_are_refused_with_the_place(pattern: str, says: str) -> None:
    with pytest.raises(PatternRefused, match=says):
        filler(Field("x", pattern=pattern), "order")


def test_bounds_and_locales_without_values_are_refused() -> None:
    with pytest.raises(NoSuchLocale, match="for the locale xx-XX; there are for en-GB"):
        filler(Field("city"), "order", "xx-XX")
    with pytest.raises(NoValues, match="size of order"):
        filler(Field("size", FieldType.INTEGER, minimum=5, maximum=5, exclusive_minimum=True), "order")


def test_of_two_patterns_the_one_holds_whose_texts_all_match_the_other() -> None:
    sku = Field("sku", pattern="[A-Z]{3}-[0-9]+")

    def asked(pattern: str) -> str:
        return constrained(sku, [Constraint("product", "sku", pattern=pattern)], "product").pattern

    assert asked("ABC-[0-9]{3}") == "ABC-[0-9]{3}"
    assert asked(".+") == sku.pattern
    with pytest.raises(NoValues, match=r"it has the pattern \[A-Z\]"):
        asked("[A-B]{1,3}-1")


@pytest.mark.parametrize("locale", locales())
def test_city_region_postal_code_and_phone_of_a_record_belong_together(locale: str) -> None:
    fields = [Field(name) for name in ("city", "region", "postal_code", "phone")]
    columns = [drawn(field, "address", locale, 500) for field in fields]
    places = pool("places", locale)
    known = set(zip(*(places[name] for name in ("city", "region", "postcode", "phone")), strict=True))

    assert set(zip(*columns, strict=True)) <= known
    assert drawn(Field("billing_city"), "order", locale) != drawn(Field("shipping_city"), "order", locale)


def test_the_e_mail_address_of_a_record_is_that_of_its_name() -> None:
    names = drawn(Field("name"), "customer", rows=100)
    mails = drawn(Field("email", format="email", unique=True), "customer", rows=100)

    for name, mail in zip(names, mails, strict=True):
        assert re.fullmatch(rf"{name.split()[0].lower()[:3]}\S*\d+@example\.(com|org|net)", mail) or not name.isascii()


def test_values_are_realistic_in_the_locale() -> None:
    assert "Köln" in drawn(Field("city"), "customer", "de-DE")
    assert set(drawn(Field("country", format="country"), "customer", "fr-FR")) == {"FR"}
    assert set(drawn(Field("currency"), "customer", "pl-PL")) == {"PLN"}
    assert all(json.loads(text) for text in drawn(Field("meta", FieldType.JSON)))
    for iban in drawn(Field("iban"), "account", "de-DE", 50):
        moved = iban[4:] + iban[:4]
        assert int("".join(str(int(char, 36)) for char in moved)) % 97 == 1


def test_every_pool_has_values_that_can_be_written() -> None:
    for name in POOLS:
        for column in pool(name, "en-GB").values():
            assert all(text and text == text.strip() and "\x00" not in text for text in column)


def test_null_stands_only_where_a_field_may_be_null() -> None:
    nullable = Field("name", nullable=True)
    assert None in drawn(nullable)
    assert None not in drawn(replace(nullable, nullable=False))


def test_production_like_values_are_skewed_seasonal_and_go_together_within_the_same_bounds() -> None:
    def many(field: Field) -> NDArray[Any]:
        made, draws = filler(field, "order", production_like=True), Draws(7, "order", field.name)
        found = values(made.fill(draws, np.arange(20_000)))
        assert values(made.fill(draws, np.arange(500, 600))) == found[500:600]
        return np.array(found)

    price, quantity = (many(Field(name, FieldType.INTEGER, minimum=1, maximum=100)) for name in ("price", "quantity"))
    assert 1 <= price.min() < 5 < 95 < price.max() <= 100
    assert np.median(price) < 20
    ranks = [np.argsort(np.argsort(column + np.linspace(0, 0.5, 20_000))) for column in (price, quantity)]
    assert 0.2 < np.corrcoef(ranks[0], ranks[1])[0, 1] < 0.3

    moments = many(
        Field("placed_at", FieldType.DATETIME, minimum="2025-01-01T00:00:00Z", maximum="2025-12-31T23:59:59Z")
    )
    at = moments.astype("datetime64[us]")
    assert {str(year) for year in at.astype("datetime64[Y]")} == {"2025"}
    months = np.bincount(at.astype("datetime64[M]").astype(int) % 12)
    hours = np.bincount(moments // 3_600_000_000 % 24)
    assert months[11] > 1.4 * months[0]
    assert hours[19] > 5 * hours[3]

    status = many(Field("status", values=("paid", "open", "lost")))
    assert (status == "paid").sum() > 1.5 * (status == "open").sum() > 1.5 * (status == "lost").sum()
    cities = many(Field("customer_name"))
    counts = np.sort(np.unique(cities, return_counts=True)[1])
    assert counts[-1] > 10 * np.median(counts)
    assert set(cities) <= set(pool("people", "en-GB")["full"])


@pytest.mark.parametrize("field", [replace(field, nullable=True) for field in FIELDS], ids=lambda field: field.name)
def test_edge_cases_are_values_that_the_field_allows_unless_they_say_otherwise(field: Field) -> None:
    cases = (*boundary_cases(field), *security_cases(field))
    assert len({case.id for case in cases}) == len(cases)
    for case in cases:
        assert case.text.endswith(".")
        assert case.value is None or allows(field, case.value) != case.broken


def test_the_boundaries_of_a_field_are_among_its_edge_cases() -> None:
    def labelled(field: Field) -> dict[str, Any]:
        return {case.id: case.value for case in boundary_cases(field)}

    rate = Field("rate", FieldType.NUMBER, minimum=0, exclusive_minimum=True, maximum=0.3, scale=3)
    assert labelled(rate) == {"minimum": 0.001, "next_to_minimum": 0.002, "maximum": 0.3, "next_to_maximum": 0.299}
    assert labelled(Field("quantity", FieldType.INTEGER, minimum=1, maximum=2)) == {"minimum": 1, "maximum": 2}
    code = labelled(Field("code", pattern="[A-Z]{2,5}"))
    assert (len(code["shortest"]), len(code["longest"])) == (2, 5)
    name = labelled(Field("name", min_length=1, max_length=200, nullable=True))
    assert (name["shortest"], len(name["longest"]), name["null"]) == ("a", 200, None)
    assert name["japanese"] == "山田 太郎"
    assert labelled(Field("born", FieldType.DATE, minimum="1900-01-01"))["leap_day"] == "2024-02-29"
    assert labelled(Field("email", unique=True, nullable=True)) == {"null": None}


def test_edge_cases_of_a_pack_may_break_a_field_only_if_they_are_invalid_or_attacks() -> None:
    field = Field("score", FieldType.INTEGER, minimum=1, maximum=5)
    listed = [
        EdgeCase("most", "review", Category.BOUNDARY, "The best.", "score", 5),
        EdgeCase("beyond", "review", Category.BOUNDARY, "More than the best.", "score", 6),
        EdgeCase("six", "review", Category.INVALID, "Six of five.", "score", 6),
        EdgeCase("words", "review", Category.INVALID, "No number.", "score", "five"),
        EdgeCase("of-another", "order", Category.BOUNDARY, "Another entity.", "score", 5),
    ]
    found = cases_of_pack(field, "review", listed)
    assert [(one.id, one.broken) for one in found] == [("most", False), ("six", True)]


def test_attacks_are_only_in_free_texts_that_have_room_for_them() -> None:
    attacks = {case.id: str(case.value) for case in security_cases(Field("note", max_length=500))}
    assert {"sql_injection", "script", "formula", "homoglyphs", "over_long"} <= attacks.keys()
    assert len(attacks["over_long"]) == 501
    assert all(len(str(one.value)) <= 12 for one in security_cases(Field("note", max_length=12)) if not one.broken)
    assert security_cases(Field("code", pattern="[A-Z]+")) == ()
    assert security_cases(Field("email", format="email")) == ()
