"""The parts of the quality of records."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import ks_2samp

from services.testdata.records.quality import parts, similarity
from services.testdata.records.quality.samples import SampleInvalid, sample_table
from services.testdata.records.tables import Table
from shared.model.packs.model import Entity, Field, FieldType

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


def test_records_are_as_like_sample_rows_as_sdmetrics_defines_it() -> None:
    sample = orders(
        ("e", "x", "open", 100, "2026-01-01", True, "EUR"),
        ("f", "x", "open", 300, "2026-01-02", True, "EUR"),
        ("g", "y", "paid", 700, "2026-01-04", False, "EUR"),
    )
    names = parts.compared(MADE, sample, ["id", "customer"])
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
    # One, two or three orders of a customer.
    assert parts.cardinality(MADE, sample, ["customer"]) == pytest.approx(1 - ks_2samp([2, 1], [3, 1]).statistic)


def test_numbers_are_put_into_the_bins_of_the_sample() -> None:
    sample, made = np.arange(11.0), np.asarray([-5.0, 0.5, 10.0, 99.0])
    assert similarity.in_bins(sample, made)[1].tolist() == [0, 1, 11, 11]


def test_sample_rows_that_are_no_records_are_refused_with_their_places() -> None:
    with pytest.raises(SampleInvalid) as raised:
        sample_table(ORDER, [{"total": 5.0}, {"total": "much", "placed_on": "soon"}])
    assert [one.field for one in raised.value.violations] == ["sample_rows[1].total", "sample_rows[1].placed_on"]
    with pytest.raises(SampleInvalid) as raised:
        sample_table(ORDER, [{"totl": 5}])
    assert "its fields are `id`, `customer`" in raised.value.violations[0].description
