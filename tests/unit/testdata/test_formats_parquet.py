"""Parquet files: small, fast to read in part, and the same however they were put together."""

import io
from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from services.testdata.traces.builtin import built_in
from services.testdata.traces.formats.arrow import Batches
from services.testdata.traces.formats.parquet import ROW_GROUP, write_parquet
from services.testdata.traces.formats.parquet.encoders import PAGE
from services.testdata.traces.generation import Calls, Chain, compile_chain, generate, session_count
from services.testdata.traces.parameters import Parameters
from services.testdata.traces.workflow import Workflow
from tests.unit.testdata.chains import SHOP
from tests.unit.testdata.programs import run


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


def test_a_call_takes_at_most_ten_bytes(calls: Calls, whole: bytes) -> None:
    assert len(whole) / len(calls) <= 10


def test_calls_are_in_groups_of_a_mebi_with_bounds_of_time_user_and_session(calls: Calls, whole: bytes) -> None:
    metadata = pq.ParquetFile(io.BytesIO(whole)).metadata
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]

    assert [group.num_rows for group in groups] == [ROW_GROUP, len(calls) - ROW_GROUP]
    columns = {groups[0].column(index).path_in_schema: groups[0].column(index) for index in range(11)}
    assert {name for name, column in columns.items() if column.is_stats_set} == {"timestamp", "user", "session"}
    assert columns["session"].statistics.max == calls.session[ROW_GROUP - 1]
    assert {name for name, column in columns.items() if column.compression == "ZSTD"} == {
        *("endpoint", "status", "params", "fault_id")
    }


def test_what_goes_on_from_call_to_call_is_differences_and_all_else_is_in_dictionaries(whole: bytes) -> None:
    group = pq.ParquetFile(io.BytesIO(whole)).metadata.row_group(0)
    encodings = {group.column(i).path_in_schema: set(group.column(i).encodings) - {"RLE"} for i in range(11)}

    differences = {name for name, of in encodings.items() if of == {"DELTA_BINARY_PACKED"}}
    assert differences == {"timestamp", "user", "session"}
    assert all(encodings[name] == {"PLAIN", "RLE_DICTIONARY"} for name in encodings.keys() - differences)


def test_endpoints_that_share_a_method_share_its_place_in_the_dictionary(whole: bytes) -> None:
    # Values that are not unique would silently be decoded to plain texts.
    table = pq.read_table(io.BytesIO(whole), columns=["method", "endpoint", "params"])

    for column in table.columns:
        values = column.chunk(0).dictionary.to_pylist()
        assert len(values) == len(set(values))


def test_the_file_says_what_it_was_made_from_and_who_wrote_it(whole: bytes) -> None:
    schema = pq.read_schema(io.BytesIO(whole))

    assert schema.metadata == {b"seed": b"3", b"algorithm": b"greenroom-traces-1"}
    assert pq.read_metadata(io.BytesIO(whole)).created_by == "greenroom version 1.0.0"


def test_reading_gives_back_the_very_columns_that_were_written(chain: Chain, calls: Calls, whole: bytes) -> None:
    batch = Batches(chain).batch(calls)

    table = pq.read_table(io.BytesIO(whole))

    assert table.schema.equals(batch.schema)
    assert pa.Table.from_batches([batch]).equals(table.combine_chunks().replace_schema_metadata(None))


def test_a_session_is_found_in_the_one_row_group_whose_bounds_have_it(calls: Calls, whole: bytes) -> None:
    session = int(calls.session[-1])
    file = pq.ParquetFile(io.BytesIO(whole))
    bounds = [file.metadata.row_group(i).column(3).statistics for i in range(file.num_row_groups)]

    found = pq.read_table(io.BytesIO(whole), filters=[("session", "=", session)], columns=["session", "latency_ms"])

    assert [bound.min <= session <= bound.max for bound in bounds] == [False, True]
    assert found["latency_ms"].to_pylist() == calls.latency[calls.session == session].tolist()


def test_latencies_of_too_many_values_go_on_without_the_dictionary(chain: Chain, calls: Calls) -> None:
    latency = np.concatenate([np.arange(10 * PAGE) % 1_000, np.arange(4 * PAGE)]).astype(np.float32)
    data = parquet(chain, [replace(calls.part(0, len(latency)), latency=latency)])

    column = pq.ParquetFile(io.BytesIO(data)).metadata.row_group(0).column(7)

    assert set(column.encodings) == {"PLAIN", "RLE", "RLE_DICTIONARY"}
    assert column.total_compressed_size < 0.65 * latency.nbytes
    read = pq.read_table(io.BytesIO(data), columns=["latency_ms"])["latency_ms"]
    assert np.array_equal(read.to_numpy(), latency)


@pytest.mark.parametrize("count", [30, 2_000, 5 * PAGE])
def test_a_dictionary_of_latencies_that_does_not_pay_is_left_out(chain: Chain, calls: Calls, count: int) -> None:
    latency = np.arange(count, dtype=np.float32)
    data = parquet(chain, [replace(calls.part(0, count), latency=latency)])

    column = pq.ParquetFile(io.BytesIO(data)).metadata.row_group(0).column(7)

    assert set(column.encodings) == {"PLAIN", "RLE"}
    assert column.total_compressed_size < latency.nbytes + 200
    read = pq.read_table(io.BytesIO(data), columns=["latency_ms"])["latency_ms"]
    assert np.array_equal(read.to_numpy(), latency)


def test_where_numba_cannot_be_imported_the_bytes_are_the_same() -> None:
    chain = compile_chain(SHOP, Parameters(users=300))
    calls = generate(chain, 1, session_count(chain))

    printed = run(
        "import sys; sys.modules['numba'] = None\n"
        "from hashlib import sha256\n"
        "from services.testdata.traces.generation import compile_chain, generate, session_count\n"
        "from services.testdata.traces.parameters import Parameters\n"
        "from tests.unit.testdata.chains import SHOP\n"
        "from tests.unit.testdata.test_formats_parquet import parquet\n"
        "chain = compile_chain(SHOP, Parameters(users=300))\n"
        "print(sha256(parquet(chain, [generate(chain, 1, session_count(chain))])).hexdigest())"
    )

    assert printed == sha256(parquet(chain, [calls])).hexdigest()


def test_parameters_of_very_many_values_are_a_dictionary_too() -> None:
    values = tuple(f"{number:0>60}" for number in range(1_000))
    parameters = {"home": {"one": values, "two": tuple(map(str, range(60)))}}
    workflow = Workflow("wide", {"home": 1.0}, {}, {"home": 1.0}, {"home": 5.0}, parameters=parameters)
    chain = compile_chain(workflow, Parameters(users=100))

    calls = generate(chain, 1, session_count(chain))
    data = parquet(chain, [calls])

    params = pq.ParquetFile(io.BytesIO(data)).metadata.row_group(0).column(8)
    assert (params.path_in_schema, len(chain.params)) == ("params", 60_001)
    # The whole dictionary, and no text beside it.
    texts = sum(map(len, chain.params)) + 4 * len(chain.params)
    assert texts < params.total_uncompressed_size < texts + 4 * len(calls)
