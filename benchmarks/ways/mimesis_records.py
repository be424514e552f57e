"""Mimesis: orders with ten fields, by its raw providers, which are twice as fast as its schemas."""

import io
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped,unused-ignore]
import pyarrow.parquet as pq  # type: ignore[import-untyped,unused-ignore]
from mimesis import Address, Cryptographic, Datetime, Food, Locale, Numeric, Person

from benchmarks.contestant import Work

RECORDS = 2_000
Record = dict[str, Any]


def _maker(unique: bool) -> Callable[[], Record]:
    # Mimesis makes unique e-mails only without a seed.
    seeded: dict[str, Any] = {} if unique else {"seed": 1}
    gb = Locale.EN_GB
    person, address, food = Person(gb, **seeded), Address(gb, **seeded), Food(gb, **seeded)
    numeric, cryptographic, moments = Numeric(**seeded), Cryptographic(**seeded), Datetime(gb, **seeded)

    def make() -> Record:
        return {
            "id": cryptographic.uuid() if unique else numeric.integer_number(1, 1_000_000),
            "customer_name": person.full_name(),
            "email": person.email(unique=unique),
            "phone": person.phone_number(),
            "street": address.address(),
            "city": address.city(),
            "product_name": food.dish(),
            "quantity": numeric.integer_number(1, 10),
            "price": numeric.integer_number(100, 100_000),
            "created_at": moments.datetime(2024, 2025),
        }

    return make


def parquet(given: Mapping[str, Any]) -> Work:
    """Write a Parquet file in memory. Unit: a record. given: unique, whether ids and e-mails are."""
    make = _maker(given["unique"])

    def work(_: int) -> int:
        pq.write_table(pa.Table.from_pylist([make() for _ in range(RECORDS)]), io.BytesIO(), compression="zstd")
        return RECORDS

    return work


def text(given: Mapping[str, Any]) -> Work:
    """Write text. Unit: a record. given: format, JSONL or SQL, and unique, whether ids and e-mails are."""
    make = _maker(given["unique"])
    write = {"JSONL": _line, "SQL": _insert}[given["format"]]

    def work(_: int) -> int:
        "".join([write(make()) for _ in range(RECORDS)]).encode()
        return RECORDS

    return work


def _line(record: Record) -> str:
    return json.dumps(record | {"created_at": _moment(record["created_at"])}, ensure_ascii=False) + "\n"


def _insert(record: Record) -> str:
    values = []
    for value in record.values():
        shown = _moment(value) if isinstance(value, datetime) else str(value)
        values.append(shown if isinstance(value, int) else "'" + shown.replace("'", "''") + "'")
    columns = ", ".join(f'"{name}"' for name in record)
    return f'INSERT INTO "order" ({columns}) VALUES ({", ".join(values)});\n'


def _moment(value: datetime) -> str:
    return value.replace(tzinfo=UTC).isoformat()
