"""Greenroom: records of orders with ten fields, generated and written."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.contestant import Work
from services.testdata.records.formats import Format
from services.testdata.records.formats.registry import FORMATS
from services.testdata.records.tables import Table
from services.testdata.records.values import Draws, filler
from shared.model.packs.model import Field, FieldType

BLOCK = 65_536
"""Records in a table."""
BLOCKS = 4
"""Tables in a Parquet file."""
TEXT_BLOCK = 4_096
"""Records in about 1 MiB of text."""


def _fields(unique: bool) -> list[Field]:
    number = Field("id", FieldType.INTEGER, minimum=1, maximum=1_000_000)
    return [
        Field("id", FieldType.IDENTIFIER, format="uuid") if unique else number,
        Field("customer_name"),
        Field("email", format="email", unique=unique),
        Field("phone", format="phone"),
        Field("street"),
        Field("city"),
        Field("product_name"),
        Field("quantity", FieldType.INTEGER, minimum=1, maximum=10),
        Field("price", FieldType.MONEY, currency="EUR", minimum=100, maximum=100_000),
        Field("created_at", FieldType.DATETIME),
    ]


class Orders:
    """Orders with ten fields. unique: whether ids and e-mails are."""

    def __init__(self, unique: bool) -> None:
        fields = _fields(unique)
        self._fillers = {field.name: (filler(field, "order"), Draws(1, "order", field.name)) for field in fields}

    def table(self, first: int, count: int) -> Table:
        """`count` orders from number `first` on, from 0."""
        rows = np.arange(first, first + count)
        columns = {name: made.fill(draws, rows) for name, (made, draws) in self._fillers.items()}
        return Table("order", columns, count, first=first)


def parquet(given: Mapping[str, Any]) -> Work:
    """Generate and write a Parquet file in memory. Unit: a record. given: unique, whether ids and e-mails are."""
    orders, write = Orders(given["unique"]), FORMATS[Format.PARQUET].write
    assert write is not None
    template = orders.table(0, 0)

    def work(batch: int) -> int:
        first = batch % 100 * BLOCK * BLOCKS
        write(template, (orders.table(first + block * BLOCK, BLOCK) for block in range(BLOCKS)), io.BytesIO(), {})
        return BLOCK * BLOCKS

    return work


def text(given: Mapping[str, Any]) -> Work:
    """Generate and write text. Unit: a record. given: format, and unique, whether ids and e-mails are."""
    orders, encoder = Orders(given["unique"]), FORMATS[Format(given["format"])].encoder
    assert encoder is not None
    made = encoder(orders.table(0, 0))

    def work(batch: int) -> int:
        made.encode(orders.table(batch % 10_000 * TEXT_BLOCK, TEXT_BLOCK))
        return TEXT_BLOCK

    return work
