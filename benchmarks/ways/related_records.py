"""Greenroom: orders with their items, payments and addresses, which refer to each other and obey nine rules."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.contestant import Work
from services.testdata.records.formats import Format
from services.testdata.records.formats.registry import FORMATS
from services.testdata.records.generation.checks import check_cell
from services.testdata.records.generation.generate import Generator
from services.testdata.records.generation.plan import make_plan
from services.testdata.records.model import RecordSpec
from services.testdata.records.tables import Table
from shared.model.packs.reading import read_pack

TABLES = {"order": 2, "address": 3, "item": 5, "payment": 3}
"""How many records of each there are, to each other."""
_SHOP = Path(__file__).with_suffix(".yaml")


def _generator(size: int) -> Generator:
    counts = {entity: size * share for entity, share in TABLES.items()}
    return Generator(make_plan(RecordSpec(read_pack(_SHOP.read_bytes(), _SHOP.name), counts, seed=1)))


def _tables(generator: Generator, number: int) -> list[Table]:
    cell = generator.cell(number)
    checks = check_cell(generator.plan, cell, list(TABLES))
    assert not any(one.violated for one in checks), "a rule is broken"
    return [cell.table(entity, generator.fields(entity)) for entity in TABLES]


def tables(_: Mapping[str, Any]) -> Work:
    """Generate all tables in memory, and check all rules. Unit: a record of any table."""
    generator = _generator(100_000)

    def work(batch: int) -> int:
        return sum(table.rows for table in _tables(generator, batch % generator.plan.cells))

    return work


def write_sample(folder: Path, size: int) -> None:
    """Write a Parquet file of each table, for those who learn from them. size: half the number of orders."""
    write = FORMATS[Format.PARQUET].write
    assert write is not None
    for table in _tables(_generator(size), 0):
        with (folder / f"{table.entity}.parquet").open("wb") as file:
            write(table.part(0, 0), [table], file, {})
