"""Parquet files: small, fast to read in part, and the same however they were put together."""

import io
from collections.abc import Iterable

import pyarrow.parquet as pq
import pytest

from services.testdata.traces.builtin import built_in
from services.testdata.traces.formats.columns import part
from services.testdata.traces.formats.parquet import ROW_GROUP, write_parquet
from services.testdata.traces.generation import Calls, Chain, compile_chain, generate, session_count
from services.testdata.traces.parameters import Parameters
from services.testdata.traces.workflow import Workflow


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
    return [part(calls, start, start + size) for start in range(0, len(calls), size)]


@pytest.mark.parametrize("size", [65_536, 300_001, ROW_GROUP])
def test_the_bytes_do_not_depend_on_the_blocks(chain: Chain, calls: Calls, whole: bytes, size: int) -> None:
    assert len(calls) > ROW_GROUP
    assert parquet(chain, blocks(calls, size)) == whole


def test_a_call_takes_at_most_twelve_bytes(calls: Calls, whole: bytes) -> None:
    assert len(whole) / len(calls) <= 12


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


def test_no_column_falls_back_from_the_encoding_that_is_meant_for_it(whole: bytes) -> None:
    group = pq.ParquetFile(io.BytesIO(whole)).metadata.row_group(0)
    encodings = {group.column(i).path_in_schema: set(group.column(i).encodings) - {"RLE"} for i in range(11)}

    assert encodings == {
        "timestamp": {"DELTA_BINARY_PACKED"},
        "user": {"DELTA_BINARY_PACKED"},
        "user_type": {"PLAIN", "RLE_DICTIONARY"},
        "session": {"DELTA_BINARY_PACKED"},
        "endpoint": {"PLAIN", "RLE_DICTIONARY"},
        "method": {"PLAIN", "RLE_DICTIONARY"},
        "status": {"BYTE_STREAM_SPLIT"},
        "latency_ms": {"BYTE_STREAM_SPLIT"},
        "params": {"PLAIN", "RLE_DICTIONARY"},
        "fault_id": {"PLAIN"},
        "fault_kind": {"PLAIN", "RLE_DICTIONARY"},
    }


def test_endpoints_that_share_a_method_share_its_place_in_the_dictionary(whole: bytes) -> None:
    # Values that are not unique would silently be decoded to plain texts.
    table = pq.read_table(io.BytesIO(whole), columns=["method", "endpoint", "params"])

    for column in table.columns:
        values = column.chunk(0).dictionary.to_pylist()
        assert len(values) == len(set(values))


def test_the_file_says_what_it_was_made_from(whole: bytes) -> None:
    schema = pq.read_schema(io.BytesIO(whole))

    assert schema.metadata == {b"seed": b"3", b"algorithm": b"greenroom-traces-1"}


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
