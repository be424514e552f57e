"""The parts of the quality of records."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import ks_2samp

from services.testdata.records.errors import SampleInvalid
from services.testdata.records.quality import parts, similarity
from services.testdata.records.quality.samples import categories, children_of, sample_table
from services.testdata.records.tables import Numbers, Table
from shared.model.packs.model import Entity, Field, FieldType, Relationship

ORDER = Entity(
    "order",
    fields=(
        Field("id", FieldType.IDENTIFIER),
        Field("customer", FieldType.IDENTIFIER),
        Field("status", values=("open", "paid", "sent", "lost")),
        Field("total", FieldType.MONEY, minimum=0, maximum=1000),
        Field("placed_on", FieldType.DATE, nullable=True),
        Field("gift", FieldType.BOOLEAN),
        Field("currency", values=("EUR",)),
    ),
    key=("id",),
)

OF_CUSTOMER = Relationship("order", ("customer",), "customer", ("id",))


def orders(*rows: tuple[Any, ...]) -> Table:
    """Orders with these values, in the order of the fields."""
    names = [field.name for field in ORDER.fields]
    return sample_table(ORDER, [dict(zip(names, row, strict=True)) for row in rows])


MADE = orders(
    ("a", "x", "open", 0, "2026-01-01", True, "EUR"),
    ("b", "x", "paid", 500, None, False, "EUR"),
    ("c", "x", "paid", 950, "2026-01-03", False, "EUR"),
    ("d", "y", "paid", 950, "2026-01-03", False, "EUR"),
)


def test_diversity_is_the_share_of_possible_values_that_appear() -> None:
    # id 4 of 4, status 2 of 4, total 3 of 4, placed_on 2 of 4, gift 2 of 2; one currency is no choice.
    wanted = np.mean([1, 2 / 4, 3 / 4, 2 / 4, 1])
    assert parts.diversity(ORDER, MADE, ["customer"]) == pytest.approx(wanted)


def test_constraint_coverage_is_the_share_of_what_is_allowed_that_appears() -> None:
    # status 2 of 4; total near both ends; a null date; the only currency. Other fields have no constraint.
    assert parts.constraint_coverage(ORDER, MADE) == pytest.approx(np.mean([2 / 4, 1, 1, 1]))
    assert parts.constraint_coverage(ORDER, orders()) is None


def test_all_different_and_all_allowed_values_measure_one_and_the_same_value_everywhere_little() -> None:
    states = ("open", "paid", "sent", "lost")
    rows = [(f"{i}", "x", states[i % 4], i * 50, f"2026-01-{i + 1:02}" if i else None, i < 9, "EUR") for i in range(21)]
    varied, same = orders(*rows), orders(*[(f"{i}", "x", "open", 500, "2026-01-01", True, "EUR") for i in range(21)])

    assert parts.diversity(ORDER, varied, ["customer"]) == pytest.approx(np.mean([1, 1, 1, 20 / 21, 1]))
    assert parts.diversity(ORDER, same, ["customer"]) == pytest.approx(np.mean([1, 1 / 4, 1 / 21, 1 / 21, 1 / 2]))
    assert parts.constraint_coverage(ORDER, varied) == 1
    assert parts.constraint_coverage(ORDER, same) == pytest.approx(np.mean([1 / 4, 0, 0, 1]))


def test_only_short_texts_that_are_often_are_categories() -> None:
    def found(name: str, *texts: str, **others: Any) -> dict[str, int]:
        field = Field(name, **others)
        entity = Entity("invoice", fields=(field,))
        return categories(entity, field, sample_table(entity, [{name: text} for text in texts]).columns[name])

    assert found("channel", *["web"] * 6, *["shop floor"] * 5) == {"web": 6, "shop floor": 5}
    assert found("channel", "a", "b", "c", "other", values=("a", "b")) == {"a": 1, "b": 1}
    for name, text in (
        ("channel", "Ada Lovelace"),
        ("channel", "call 555 1234"),
        ("channel", "ada@example.org"),
        ("channel", "She asked for a refund twice."),
        ("note", "damaged"),
        ("customer_name", "ada"),
        ("city", "Paris"),
    ):
        assert found(name, *[text] * 50) == {}, (name, text)
    assert found("channel", *["web"] * 6, *map(str, range(10))) == {}


def test_records_are_as_like_sample_rows_as_sdmetrics_defines_it() -> None:
    sample = orders(
        ("e", "x", "open", 100, "2026-01-01", True, "EUR"),
        ("f", "x", "open", 300, "2026-01-02", True, "EUR"),
        ("g", "y", "paid", 700, "2026-01-04", False, "EUR"),
    )
    names = [name for name in parts.compared(MADE, sample) if name not in ("id", "customer")]
    assert names == ["status", "total", "placed_on", "gift", "currency"]

    totals = ks_2samp([100, 300, 700], [0, 500, 950, 950]).statistic
    dates = ks_2samp([1, 2, 4], [1, 3, 3]).statistic
    status, gift = abs(2 / 3 - 1 / 4), abs(2 / 3 - 1 / 4)
    wanted = 1 - np.mean([status, totals, dates, gift, 0])
    assert parts.column_shapes(MADE, sample, names) == pytest.approx(wanted)

    assert parts.pair_trends(sample, sample, names) == pytest.approx(1)
    correlations = np.corrcoef([100, 300, 700], [1, 2, 4])[0, 1], np.corrcoef([0, 950, 950], [1, 3, 3])[0, 1]
    assert parts.pair_trends(MADE, sample, ["total", "placed_on"]) == pytest.approx(
        1 - abs(correlations[0] - correlations[1]) / 2
    )
    # open and gift: 2 of 3 and 1 of 4; paid and no gift: 1 of 3 and 3 of 4.
    assert parts.pair_trends(MADE, sample, ["status", "gift"]) == pytest.approx(1 - (5 / 12 + 5 / 12) / 2)
    # One, two or three orders of a customer; with the customers' own rows, one has none.
    counted = children_of(OF_CUSTOMER, sample, None)
    assert counted is not None
    assert sorted(counted) == [1, 2]
    customer = Entity("customer", fields=(Field("id", FieldType.IDENTIFIER),))
    customers = sample_table(customer, [{"id": name} for name in "xyz"])
    counted = children_of(OF_CUSTOMER, sample, customers)
    assert counted is not None
    assert counted.tolist() == [2, 1, 0]
    wanted = 1 - ks_2samp([2, 1, 0], [3, 1]).statistic
    assert parts.cardinality([(counted, np.asarray([3, 1]))]) == pytest.approx(wanted)


def test_numbers_are_put_into_the_bins_of_the_sample() -> None:
    sample, made = np.arange(11.0), np.asarray([-5.0, 0.5, 10.0, 99.0])
    assert similarity.in_bins(sample, made)[1].tolist() == [1, 1, 10, 10]


def test_texts_of_csv_are_read_as_the_fields_type() -> None:
    row = ("a", "x", "open", "500", "2026-01-03", "false", "EUR")
    table = orders(row, ("b", "x", "", "", "", "T", ""))
    total, gift = table.columns["total"], table.columns["gift"]
    assert isinstance(total, Numbers)
    assert isinstance(gift, Numbers)
    assert total.known is not None
    assert (total.values.tolist(), total.known.tolist()) == ([500, 0], [True, False])
    assert gift.values.tolist() == [0, 1]


def test_sample_rows_that_are_no_records_are_refused_with_their_places() -> None:
    with pytest.raises(SampleInvalid) as raised:
        sample_table(ORDER, [{"total": 5.0}, {"total": "much", "placed_on": "soon"}])
    assert [one.field for one in raised.value.violations] == ["rows[1].total", "rows[1].placed_on"]
    with pytest.raises(SampleInvalid) as raised:
        sample_table(ORDER, [{"totl": 5}])
    assert "its fields are `id`, `customer`" in raised.value.violations[0].description
