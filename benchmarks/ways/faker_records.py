"""Faker: orders with ten fields."""

import io
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped,unused-ignore]
import pyarrow.parquet as pq  # type: ignore[import-untyped,unused-ignore]
from faker import Faker  # type: ignore[import-not-found,unused-ignore]

from benchmarks.contestant import Work

RECORDS = 500
_BEGIN, _END = datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 12, 31, tzinfo=UTC)


def parquet(given: Mapping[str, Any]) -> Work:
    """Write a Parquet file in memory. Unit: a record. given: unique, whether ids and e-mails are."""
    unique = given["unique"]
    fake = Faker("en_GB")
    fake.seed_instance(1)

    def make() -> dict[str, Any]:
        return {
            "id": fake.uuid4() if unique else fake.random_int(1, 1_000_000),
            "customer_name": fake.name(),
            "email": fake.unique.email() if unique else fake.email(),
            "phone": fake.phone_number(),
            "street": fake.street_address(),
            "city": fake.city(),
            "product_name": fake.word(),
            "quantity": fake.random_int(1, 10),
            "price": fake.random_int(100, 100_000),
            "created_at": fake.date_time_between(_BEGIN, _END, UTC),
        }

    def work(_: int) -> int:
        fake.unique.clear()
        pq.write_table(pa.Table.from_pylist([make() for _ in range(RECORDS)]), io.BytesIO(), compression="zstd")
        return RECORDS

    return work
