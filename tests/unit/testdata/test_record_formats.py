"""Every format carries the same records, whatever texts are in them and however they are cut."""

import csv
import io
import json
import sqlite3
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from greenroom.testdata.v1 import record_pb2 as pb
from services.testdata.records.formats import Format
from services.testdata.records.formats.registry import FORMATS
from services.testdata.records.formats.rows import RowsEncoder
from services.testdata.records.tables import Column, Mask, Numbers, Serials, Strings, Table, Texts, Uuids
from shared.model.packs.model import FieldType as F
from tests.postgres import PostgresServer

NASTY = (
    "",
    "plain",
    "O'Brien",
    'say "no", twice',
    "=1+1",
    "+49301234567",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(A1)",
    "\ttab",
    "\rreturn",
    "two\r\nlines\n",
    "back\\slash\\",
    "'; DROP TABLE users; --",
    "<script>alert(1)</script>",
    "Ünïcødé 日本語 👩‍👩‍👧 \u202eright\u2028line",
    "\u0001\u001f control",
    "x" * 300,
    "NULL",
    " spaces ",
)
ROWS = 40
_RANDOM = np.random.default_rng(1)
_MICROSECONDS = int(datetime(2026, 3, 1, 9, 30, tzinfo=UTC).timestamp() * 1e6)


def some(rows: int) -> Mask:
    return np.array([row % 7 != 3 for row in range(rows)])


@pytest.fixture(scope="module")
def table() -> Table:
    texts, rows = Strings.of(NASTY), np.arange(ROWS, dtype=np.int64)
    own = Strings.of([f"{row} {NASTY[row % len(NASTY)]}" for row in range(ROWS)])
    high, low = (_RANDOM.integers(0, 2**64, ROWS, np.uint64) for _ in range(2))
    numbers = np.array([0, 1, -1, 2**62, -(2**62), 127, 128, -300] * 5, np.int64)
    reals = np.array([0.0, -0.25, 1e300, 0.1, 1 / 3, -5e-7, 12.0, 2.5] * 5)
    columns: dict[str, Column] = {
        "id": Uuids(type=F.IDENTIFIER, high=high, low=low),
        "number": Serials(type=F.IDENTIFIER, prefix="ORD-", numbers=rows + 8, width=2),
        'a "text"': Texts(type=F.TEXT, strings=texts, codes=(rows % len(NASTY)).astype(np.int32), known=some(ROWS)),
        "own": Texts(type=F.TEXT, strings=own, codes=rows.astype(np.int32), distinct=True, known=some(ROWS)),
        "count": Numbers(type=F.INTEGER, values=numbers, known=some(ROWS)),
        "price": Numbers(type=F.MONEY, values=numbers),
        "rate": Numbers(type=F.NUMBER, values=np.round(_RANDOM.random(ROWS) - 0.5, 3), scale=3),
        "real": Numbers(type=F.NUMBER, values=reals, known=some(ROWS)),
        "gift": Numbers(type=F.BOOLEAN, values=rows % 2, known=some(ROWS)),
        "born": Numbers(type=F.DATE, values=rows * 977 - 20_000, known=some(ROWS)),
        "made": Numbers(type=F.DATETIME, values=_MICROSECONDS + rows * 1_234_567_000 + rows % 2 * 5),
        "opens": Numbers(type=F.TIME, values=rows * 1_000_000_007 % 86_400_000_000),
        "takes": Numbers(type=F.DURATION, values=rows * 1_800_000_000),
        "ref": Uuids(type=F.IDENTIFIER, high=low, low=high, known=some(ROWS)),
        "meta": Texts(type=F.JSON, strings=Strings.of(['{"a":[1,"x\'"]}', "null"]), codes=(rows % 2).astype(np.int32)),
    }
    return Table("odd \"order'", columns, ROWS)


def expected(table: Table, as_text: bool) -> list[list[Any]]:
    """The values of each row; as_text: dates, times, durations and UUIDs as text, JSON parsed."""
    return [[_value(column, row, as_text) for column in table.columns.values()] for row in range(table.rows)]


def _value(column: Column, row: int, as_text: bool) -> Any:
    if column.known is not None and not column.known[row]:
        return None
    match column:
        case Uuids():
            uuid = UUID(int=int(column.high[row]) << 64 | int(column.low[row]))
            return str(uuid) if as_text else uuid
        case Serials():
            return f"{column.prefix}{int(column.numbers[row]):0{column.width}d}"
        case Texts():
            text = column.strings.texts[column.codes[row]]
            return json.loads(text) if as_text and column.type is F.JSON else text
        case Numbers():
            return _number(column.type, column.values[row].item(), as_text)


def _number(kind: F, number: Any, as_text: bool) -> Any:
    match kind:
        case F.BOOLEAN:
            return bool(number)
        case F.DATE:
            day = date(1970, 1, 1) + timedelta(number)
            return day.isoformat() if as_text else day
        case F.DATETIME:
            moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=number)
            return moment.isoformat().replace("+00:00", "Z") if as_text else moment
        case F.TIME:
            clock = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=number)).time()
            return clock.isoformat() if as_text else clock
        case F.DURATION:
            minutes = number // 60_000_000
            if not as_text:
                return timedelta(microseconds=number)
            if not number:
                return "0 seconds"
            count, unit = (minutes // 60, "hour") if minutes % 60 == 0 else (minutes, "minute")
            return f"{count} {unit}{'' if count == 1 else 's'}"
        case _:
            return number


def written(form: Format, table: Table, cuts: tuple[int, ...] = (0, ROWS)) -> bytes:
    entry = FORMATS[form]
    parts = [table.part(start, stop) for start, stop in pairwise(cuts)]
    if entry.write is not None:
        sink = io.BytesIO()
        entry.write(table.part(0, 0), parts, sink, {"seed": "7"})
        return sink.getvalue()
    assert entry.encoder is not None
    encoder = entry.encoder(table.part(0, 0))
    return encoder.beginning() + b"".join(map(encoder.encode, parts)) + encoder.ending()


@pytest.mark.parametrize("form", [form for form in Format if form is not Format.ARROW_IPC])
def test_the_bytes_are_the_same_however_the_records_are_cut(form: Format, table: Table) -> None:
    assert written(form, table, (0, 1, 1, 17, 39, 40)) == written(form, table)


@pytest.mark.parametrize("form", list(Format))
def test_a_format_can_be_written_without_records(form: Format, table: Table) -> None:
    none = written(form, table, (0, 0))
    if form is Format.JSON:
        assert json.loads(none) == []
    assert len(none) < len(written(form, table))


def test_json_is_read_back_as_the_same_records(table: Table) -> None:
    for records in (
        [json.loads(line) for line in written(Format.JSONL, table).decode().split("\n")[:-1]],
        json.loads(written(Format.JSON, table)),
    ):
        assert [list(record.values()) for record in records] == expected(table, as_text=True)
        assert [*records[0]] == [*table.columns]


def test_csv_is_read_back_as_the_same_texts_and_no_cell_is_a_formula(table: Table) -> None:
    header, *rows = csv.reader(io.StringIO(written(Format.CSV, table).decode(), newline=""))

    assert header == [*table.columns]
    wanted = expected(table, as_text=True)
    for row, values in zip(rows, wanted, strict=True):
        for name, cell, value in zip(header, row, values, strict=True):
            kind = table.columns[name].type
            if kind is F.TEXT:
                assert cell == (value or "") or cell == f"'{value}"
                assert not cell.startswith(("=", "@", "\t", "\r", "-")), cell
            elif kind is F.JSON:
                assert json.loads(cell) == value
            elif value is None:
                assert cell == ""
            elif kind is F.NUMBER:
                assert float(cell) == value
            else:
                assert cell == str(value).replace("True", "true").replace("False", "false")
    formulas = [
        cell for row in rows for cell in row if cell.startswith("'") and cell[1:2] in ("=", "+", "-", "@", "\t", "\r")
    ]
    assert {cell[1] for cell in formulas} == {"=", "-", "@", "\t", "\r"}
    assert any(cell == "+49301234567" for row in rows for cell in row), "the number of a phone is no formula"


def test_an_empty_text_in_csv_differs_from_null(table: Table) -> None:
    column = Texts(
        type=F.TEXT, strings=Strings.of(["", "a"]), codes=np.zeros(2, np.int32), known=np.array([True, False])
    )
    one = Table("x", {"n": Numbers(type=F.INTEGER, values=np.arange(2)), "t": column}, 2)
    assert written(Format.CSV, one, (0, 2)) == b'n,t\n0,""\n1,\n'


def test_sql_loads_into_sqlite_as_the_same_values(table: Table) -> None:
    database = sqlite3.connect(":memory:")
    names = ", ".join('"' + name.replace('"', '""') + '"' for name in table.columns)
    database.execute(f'CREATE TABLE "odd ""order\'" ({names})')
    database.executescript(written(Format.SQL, table).decode())

    rows = [[*row[:-1], json.loads(row[-1])] for row in database.execute('SELECT * FROM "odd ""order\'"')]
    assert rows == expected(table, as_text=True)


def test_sql_loads_into_postgresql_as_the_same_values(
    table: Table, postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    kinds = {
        F.INTEGER: "bigint", F.MONEY: "bigint", F.NUMBER: "double precision", F.BOOLEAN: "boolean", F.DATE: "date",
        F.DATETIME: "timestamptz", F.TIME: "time", F.DURATION: "interval", F.JSON: "jsonb",
    }  # fmt: skip
    columns = ", ".join(
        '"' + name.replace('"', '""') + '" ' + ("uuid" if isinstance(column, Uuids) else kinds.get(column.type, "text"))
        for name, column in table.columns.items()
    )
    name = urlsplit(postgres.create_database()).path.removeprefix("/")
    postgres.sql(f'CREATE TABLE "odd ""order\'" ({columns})', name)
    postgres.sql(written(Format.SQL, table).decode(), name)

    quoted = '"odd ""order\'"'
    texts = json.loads(postgres.sql(f'SELECT json_agg(json_build_array("a ""text""", own)) FROM {quoted}', name))
    assert texts == [[row[2], row[3]] for row in expected(table, as_text=True)]
    count, nulls, whole = (
        postgres.sql(f"SELECT count(*), count(*) - count(ref), sum(price) FROM {quoted}", name).strip().split("|")
    )
    assert (int(count), int(nulls)) == (ROWS, int((~some(ROWS)).sum()))
    prices = table.columns["price"]
    assert isinstance(prices, Numbers)
    assert int(whole) == sum(prices.values.tolist())


def test_parquet_is_read_back_as_the_same_values_by_two_readers(table: Table, tmp_path: Path) -> None:
    path = tmp_path / "orders.parquet"
    path.write_bytes(written(Format.PARQUET, table))

    read = pq.read_table(path)
    wanted = expected(table, as_text=False)
    assert [list(row.values()) for row in read.to_pylist()] == wanted
    assert pq.read_schema(path).metadata[b"seed"] == b"7"
    with duckdb.connect() as connection:
        found = connection.execute(f'SELECT id, "a ""text""", own, price, born FROM \'{path}\'').fetchall()
    assert [list(row) for row in found] == [[row[0], row[2], row[3], row[5], row[9]] for row in wanted]


def test_texts_of_tables_with_other_dictionaries_stand_in_one_parquet_file() -> None:
    def part(first: int, *texts: str) -> Table:
        codes = np.arange(len(texts), dtype=np.int32)
        return Table("x", {"t": Texts(type=F.TEXT, strings=Strings.of(texts), codes=codes)}, len(texts), first=first)

    sink, write = io.BytesIO(), FORMATS[Format.PARQUET].write
    assert write is not None
    write(part(0), [part(0, "a", "b"), part(2, "c"), part(3, "b")], sink, {})
    assert pq.read_table(sink)["t"].to_pylist() == ["a", "b", "c", "b"]


def test_arrow_is_read_back_as_the_same_values(table: Table) -> None:
    read = pa.ipc.open_stream(written(Format.ARROW_IPC, table, (0, 13, ROWS))).read_all()
    assert [list(row.values()) for row in read.to_pylist()] == expected(table, as_text=False)


def parsed(data: bytes) -> list[list[Any]]:
    """Reads the field `rows` of an EntityRecords."""
    message = pb.EntityRecords.FromString(data)
    assert message.SerializeToString() == data, "the bytes are those of the generated classes"
    rows = [[(value, value.WhichOneof("value")) for value in row.values] for row in message.rows]
    return [[None if kind is None else getattr(value, kind) for value, kind in row] for row in rows]


def test_rows_are_the_bytes_of_the_generated_classes(table: Table) -> None:
    rows = [[*row[:-1], json.loads(row[-1])] for row in parsed(RowsEncoder(5).encode(table))]
    assert rows == expected(table, as_text=True)
