"""Parquet files: small, fast to read in part, equal in every common reader, and independent of the chunk size."""

import io
import json
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import duckdb
import fastparquet
import numpy as np
import numpy.typing as npt
import polars
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from services.testdata.traces.formats.arrow import Batches
from services.testdata.traces.formats.parquet import ROW_GROUP, write_parquet
from services.testdata.traces.generation import Calls, Chain, compile_chain, generate, session_count
from services.testdata.traces.parameters import Parameters
from services.testdata.traces.schema import COLUMNS, NAMES, Column, Kind
from services.testdata.traces.workflow import Workflow
from services.testdata.workflows.builtin import built_in
from tests.programs import node_module, program
from tests.unit.testdata.chains import SHOP
from tests.unit.testdata.decoding import Row, rows_of

Array = npt.NDArray[Any]

SMALL = compile_chain(SHOP, Parameters(users=100))
LENGTHS = st.sampled_from([0, 1, 2, 8, 127, 129, 513])
LEAST, MOST = -(2**63), 2**63 - 1


@pytest.fixture(scope="module")
def chain() -> Chain:
    return compile_chain(built_in()["workflows/ecommerce"].workflow, Parameters(users=60_000, seed=3))


@pytest.fixture(scope="module")
def calls(chain: Chain) -> Calls:
    return generate(chain, 1, session_count(chain))


def parquet(chain: Chain, blocks: Iterable[Calls]) -> bytes:
    sink = io.BytesIO()
    write_parquet(chain, blocks, sink, {"seed": "3", "algorithm": "greenroom-traces-1"})
    return sink.getvalue()


@pytest.fixture(scope="module")
def whole(chain: Chain, calls: Calls) -> bytes:
    return parquet(chain, [calls])


def blocks(calls: Calls, size: int) -> list[Calls]:
    return [calls.part(start, start + size) for start in range(0, len(calls), size)]


@pytest.mark.parametrize("size", [65_536, 300_001, ROW_GROUP])
def test_the_bytes_do_not_depend_on_the_blocks(chain: Chain, calls: Calls, whole: bytes, size: int) -> None:
    assert len(calls) > ROW_GROUP
    assert parquet(chain, blocks(calls, size)) == whole


def test_a_call_takes_at_most_twelve_bytes(calls: Calls, whole: bytes) -> None:
    assert len(whole) / len(calls) <= 12


def columns_of(group: Any) -> dict[str, Any]:
    """What a row group says of its columns, by name."""
    return {group.column(index).path_in_schema: group.column(index) for index in range(group.num_columns)}


def test_row_groups_have_a_mebi_of_calls_and_bounds_of_time_user_and_session(calls: Calls, whole: bytes) -> None:
    metadata = pq.ParquetFile(io.BytesIO(whole)).metadata
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]

    assert [group.num_rows for group in groups] == [ROW_GROUP, len(calls) - ROW_GROUP]
    columns = columns_of(groups[0])
    assert {name for name, column in columns.items() if column.is_stats_set} == {
        column.name for column in COLUMNS if column.bounds
    }
    assert columns["session"].statistics.max == calls.session[ROW_GROUP - 1]


def test_every_column_has_zstd_and_an_encoding_that_every_reader_reads(whole: bytes) -> None:
    columns = columns_of(pq.ParquetFile(io.BytesIO(whole)).metadata.row_group(0))

    # fastparquet misreads DELTA_BINARY_PACKED and refuses BYTE_STREAM_SPLIT.
    assert {encoding for column in columns.values() for encoding in column.encodings} == {
        *("PLAIN", "RLE", "RLE_DICTIONARY")
    }
    assert {column.compression for column in columns.values()} == {"ZSTD"}
    assert {name for name, column in columns.items() if column.has_dictionary_page} == {
        column.name for column in COLUMNS if column.kind is Kind.TEXT or column.repeats
    }


def test_no_text_stands_twice_in_a_dictionary(whole: bytes) -> None:
    # pyarrow writes plain texts, without a warning, if a dictionary has a value twice.
    table = pq.read_table(io.BytesIO(whole), columns=["method", "endpoint", "params"])

    for column in table.columns:
        values = column.chunk(0).dictionary.to_pylist()
        assert len(values) == len(set(values))


def test_the_file_says_what_it_was_made_from(whole: bytes) -> None:
    schema = pq.read_schema(io.BytesIO(whole))

    assert schema.metadata == {b"seed": b"3", b"algorithm": b"greenroom-traces-1"}


def test_reading_gives_back_the_very_columns_that_were_written(chain: Chain, calls: Calls, whole: bytes) -> None:
    batch = Batches(chain).batch(calls)

    table = pq.read_table(io.BytesIO(whole))

    assert table.schema.equals(batch.schema)
    assert pa.Table.from_batches([batch]).equals(table.combine_chunks().replace_schema_metadata(None))


def test_a_session_is_found_in_the_one_row_group_whose_bounds_have_it(calls: Calls, whole: bytes) -> None:
    session = int(calls.session[-1])
    file = pq.ParquetFile(io.BytesIO(whole))
    bounds = [columns_of(file.metadata.row_group(i))["session"].statistics for i in range(file.num_row_groups)]

    found = pq.read_table(io.BytesIO(whole), filters=[("session", "=", session)], columns=["session", "latency_ms"])

    assert [bound.min <= session <= bound.max for bound in bounds] == [False, True]
    assert found["latency_ms"].to_pylist() == calls.latency_ms[calls.session == session].tolist()


def test_parameters_with_very_many_values_are_a_dictionary_too() -> None:
    values = tuple(f"{number:0>60}" for number in range(1_000))
    parameters = {"home": {"one": values, "two": tuple(map(str, range(60)))}}
    workflow = Workflow("wide", {"home": 1.0}, {}, {"home": 1.0}, {"home": 5.0}, parameters=parameters)
    chain = compile_chain(workflow, Parameters(users=100))

    calls = generate(chain, 1, session_count(chain))
    data = parquet(chain, [calls])

    params = columns_of(pq.ParquetFile(io.BytesIO(data)).metadata.row_group(0))["params"]
    assert len(chain.params) == 60_001
    # The dictionary holds all texts; the pages hold none.
    texts = sum(map(len, chain.params)) + 4 * len(chain.params)
    assert texts < params.total_uncompressed_size < texts + 4 * len(calls)


def numbers(draw: st.DrawFn, n: int, kind: npt.DTypeLike, least: int, most: int) -> Array:
    """n numbers: all equal, alternating extremes, or arbitrary."""
    shapes: dict[str, Callable[[], Array]] = {
        "one": lambda: np.full(n, draw(st.integers(least, most)), kind),
        "extremes": lambda: np.resize(np.array([least, most], kind), n),
        "anything": lambda: draw(arrays(np.dtype(kind), n, elements=st.integers(least, most))),
    }
    return shapes[draw(st.sampled_from(sorted(shapes)))]()


@st.composite
def any_calls(draw: st.DrawFn) -> Calls:
    """Calls of SMALL with arbitrary numbers, even such that no generator makes."""
    n = draw(LENGTHS)
    return Calls(**{column.name: any_values(draw, n, column) for column in COLUMNS if not column.array})


def any_values(draw: st.DrawFn, n: int, column: Column) -> Array:
    if column.kind is Kind.TEXT:
        return numbers(draw, n, column.dtype, 0, len(column.texts_of(SMALL)) - 1)
    if column.kind is Kind.DECIMAL:
        # Use any bits but those of NaN, which does not equal itself.
        return numbers(draw, n, "i4", 0, 0x7F800000).view(np.float32)
    limits = np.iinfo(np.dtype(column.dtype))
    return numbers(draw, n, column.dtype, int(limits.min), int(limits.max))


@given(any_calls())
@settings(max_examples=100, deadline=None)
def test_calls_with_any_numbers_are_read_back(calls: Calls) -> None:
    data = parquet(SMALL, [calls])

    assert data == parquet(SMALL, [calls])
    table = pq.read_table(io.BytesIO(data))
    times = table["timestamp"].cast(pa.int64())
    columns = [times, *table.columns[1:]]
    assert list(zip(*(values.to_pylist() for values in columns), strict=True)) == rows_of(SMALL, calls)


# Readers. Each says which calls a file has.


def _pyarrow(path: Path) -> list[Row]:
    table = pq.read_table(path)
    return list(zip(table["timestamp"].cast(pa.int64()).to_pylist(), *_lists(table.drop(["timestamp"])), strict=True))


def _lists(table: pa.Table) -> list[list[Any]]:
    return [values.to_pylist() for values in table.columns]


def _duckdb(path: Path) -> list[Row]:
    rest = ", ".join(f'"{name}"' for name in NAMES[1:])
    return _sql(f"SELECT epoch_ms(timestamp), {rest} FROM read_parquet('{path}')")


def _sql(query: str) -> list[Row]:
    with duckdb.connect() as connection:
        return connection.execute(query).fetchall()


def _polars(path: Path) -> list[Row]:
    frame = polars.read_parquet(path)
    return frame.with_columns(polars.col("timestamp").dt.epoch("ms")).rows()


def _fastparquet(path: Path) -> list[Row]:
    frame = fastparquet.ParquetFile(str(path)).to_pandas()
    frame["timestamp"] = frame["timestamp"].dt.as_unit("ms").astype("int64")
    return list(zip(*(frame[name].tolist() for name in NAMES), strict=True))


_HYPARQUET = """
import { readFileSync } from 'fs'
import { parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
const bytes = readFileSync(process.argv[1])
const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)
const plain = value => value instanceof Date || typeof value === 'bigint' ? Number(value) : value
for (const row of await parquetReadObjects({ file, compressors }))
  console.log(JSON.stringify(Object.values(row).map(plain)))
"""


def _hyparquet(path: Path) -> list[Row]:
    node, folder = program("node"), node_module("hyparquet", "hyparquet-compressors")
    command = [node, "--input-type=module", "-e", _HYPARQUET, "--", str(path)]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=120)
    return [tuple(json.loads(line)) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def three_row_groups(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Row]]:
    """A small file with failures and three row groups, and what is in it."""
    chain = compile_chain(SHOP, Parameters(users=1_000, cascade_rate=0.3))
    calls = generate(chain, 1, session_count(chain)).part(0, 9_000)
    path = tmp_path_factory.mktemp("parquet") / "calls.parquet"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("services.testdata.traces.formats.parquet.ROW_GROUP", 4_096)
        path.write_bytes(parquet(chain, [calls]))
    assert pq.ParquetFile(path).num_row_groups == 3
    return path, rows_of(chain, calls)


@pytest.mark.parametrize("read", [_pyarrow, _duckdb, _polars, _fastparquet, _hyparquet])
def test_every_common_reader_reads_the_same_calls(
    read: Callable[[Path], list[Row]], three_row_groups: tuple[Path, list[Row]]
) -> None:
    path, rows = three_row_groups

    assert read(path) == rows


@pytest.mark.parametrize("read", [_pyarrow, _duckdb, _polars, _fastparquet])
@given(latency=arrays("f4", 9, elements=st.floats(0, 2**100, width=32)), number=arrays("i8", 9))
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_python_reader_reads_extreme_numbers(
    read: Callable[[Path], list[Row]], latency: Array, number: Array, tmp_path: Path
) -> None:
    number[:2] = LEAST, MOST
    times = np.resize([0, 253_402_300_799_999], 9)
    calls = generate(SMALL, 1, 9).part(0, 9)
    made = Calls(*(values.copy() for values in calls.arrays))
    made.latency_ms[:], made.user[:], made.session[:], made.fault_id[:] = latency, number, number[::-1], number
    made.timestamp[:], made.status[:] = times, np.resize([-(2**15), 2**15 - 1], 9)
    path = tmp_path / "extreme.parquet"
    path.write_bytes(parquet(SMALL, [made]))

    assert read(path) == rows_of(SMALL, made)


def test_duckdb_and_polars_find_a_session_by_a_filter(three_row_groups: tuple[Path, list[Row]]) -> None:
    path, rows = three_row_groups
    session = rows[-1][3]
    wanted = [row[7] for row in rows if row[3] == session]

    found = _sql(f"SELECT latency_ms FROM read_parquet('{path}') WHERE session = {session}")
    frame = polars.scan_parquet(path).filter(polars.col("session") == session).collect()

    assert [row[0] for row in found] == wanted
    assert frame["latency_ms"].to_list() == wanted
