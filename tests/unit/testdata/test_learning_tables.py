"""Calls in tables: CSV, JSONL and Parquet; which rows are read, and which are skipped and counted."""

import gzip
import io
import json
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from services.testdata.traces.logs.formats import Columns, LogKind
from services.testdata.traces.logs.readers import READERS
from services.testdata.traces.logs.utf8 import Utf8, unmarked
from tests.unit.testdata.learn import CYCLE, EVENTS, OURS, edges, learned, parquet, skipped


def test_every_kind_has_a_reader() -> None:
    assert set(READERS) == set(LogKind)


def test_a_csv_log_is_read_by_our_own_names(tmp_path: Path) -> None:
    log = OURS + "1767571200000,1,a,GET,200,10.5,0,\n2026-01-05T00:00:01Z,1,b,POST,500,20,0,\n"

    found = learned(tmp_path, log, LogKind.CSV)

    assert edges(found) == CYCLE
    assert [(one.method, one.error_rate, one.mean) for one in found.endpoints] == [("GET", 0, 10.5), ("POST", 1, 20)]
    assert not found.skipped


def test_columns_can_be_mapped_and_left_out(tmp_path: Path) -> None:
    log = "who,what,when,status\nx,a,1,200\nx,b,2,never a status\n"
    columns = Columns(session="who", endpoint="what", timestamp="when", status="-")

    found = learned(tmp_path, log, LogKind.CSV, columns)

    assert edges(found) == CYCLE
    assert not found.skipped


def test_jsonl_may_mix_numbers_and_texts_and_leave_keys_out(tmp_path: Path) -> None:
    log = '{"session": 1, "endpoint": "a", "timestamp": 1767571200000, "status": "200"}\n\n'
    log += '{"session": "1", "endpoint": "b", "timestamp": "2026-01-05T00:00:01+00:00", "status": 404}\n'
    log += '{"endpoint": "c"}\nno JSON\n[1]\n'

    found = learned(tmp_path, log, LogKind.JSONL)

    assert edges(found) == CYCLE
    assert found.endpoints[1].error_rate == 1
    assert skipped(found) == {"MISSING_SESSION": (1, 4), "BAD_LINE": (2, 5)}


def test_odd_values_in_jsonl_are_their_own_rows_fault(tmp_path: Path) -> None:
    odd: list[dict[str, Any]] = [
        {"latency_ms": [1]},
        {"latency_ms": 10**400},
        {"status": True},
        {"endpoint": "\ud800"},
        {"session": None},
    ]
    usual = {"session": 1, "endpoint": "a", "timestamp": 5, "latency_ms": 1, "status": 200}
    records = [usual | one for one in odd]
    log = "\n".join(map(json.dumps, records))

    found = learned(tmp_path, log, LogKind.JSONL)

    assert edges(found) == {("", "a"): 1, ("a", "a"): 2, ("a", "?"): 1, ("?", ""): 1}
    assert skipped(found) == {"MISSING_SESSION": (1, 5), "BAD_LATENCY": (2, 1), "BAD_STATUS": (1, 3)}


def test_parquet_is_read_with_its_own_types(tmp_path: Path) -> None:
    log = parquet(
        tmp_path,
        session=pa.array(["s", "s"]).dictionary_encode(),
        endpoint=pa.array(["a", "b"], pa.large_string()),
        timestamp=pa.array([1_767_571_200_000_000_000, 1_767_571_201_000_000_000], pa.timestamp("ns", "Europe/Zurich")),
        latency_ms=pa.array([1, None], pa.int16()),
        status=pa.array([200.0, 503.0]),
        fault_id=pa.array([0, 1], pa.int64()),
        fault_kind=pa.array(["", "unavailable"]).dictionary_encode(),
    )

    found = learned(tmp_path, log, LogKind.PARQUET)

    assert edges(found) == CYCLE
    assert found.detection is not None
    assert (found.detection.precision, found.detection.recall, found.detection.faults) == (1, 1, 1)


@pytest.mark.parametrize("kind", [LogKind.CSV, LogKind.JSONL, LogKind.PARQUET])
def test_gzip_is_told_by_its_first_bytes(tmp_path: Path, kind: LogKind) -> None:
    logs = {
        LogKind.CSV: (OURS + "1,1,a,GET,200,1,0,\n2,1,b,GET,200,1,0,\n").encode(),
        LogKind.JSONL: b'{"session":1,"endpoint":"a","timestamp":1}\n{"session":1,"endpoint":"b","timestamp":2}\n',
        LogKind.PARQUET: parquet(tmp_path, session=[1, 1], endpoint=["a", "b"], timestamp=[1, 2]),
    }

    assert edges(learned(tmp_path, gzip.compress(logs[kind]), kind)) == CYCLE
    assert sorted(one.name for one in tmp_path.iterdir() if "tmp" in one.name) == []


def test_what_a_row_lacks_is_counted_by_reason_with_its_first_place(tmp_path: Path) -> None:
    rows = [
        "1,s,a,GET,200,1,0,",
        "1,,a,GET,200,1,0,",
        "1,s,,GET,200,1,0,",
        "yesterday,s,a,GET,200,1,0,",
        ",s,a,GET,200,1,0,",
        "1e300,s,a,GET,200,1,0,",
        "2,s,b,GET,9999,-5,0,",
        "3,s,b,GET,OK,NaN,0,",
        "too,few",
    ]

    found = learned(tmp_path, OURS + "\n".join(rows) + "\n", LogKind.CSV)

    assert found.calls == 3
    assert skipped(found) == {
        "MISSING_SESSION": (1, 3),
        "MISSING_ENDPOINT": (1, 4),
        "BAD_TIMESTAMP": (3, 5),
        "BAD_LATENCY": (2, 8),
        "BAD_STATUS": (2, 8),
        "BAD_ROW": (1, 10),
    }
    assert all(one.description.endswith("First in the.log.") for one in found.skipped)


def test_text_that_is_no_utf_8_is_its_own_rows_fault(tmp_path: Path) -> None:
    log = EVENTS.encode() + b"1,a,1\n1,\xff\xfe,2\n1,b,3\n"

    found = learned(tmp_path, log, LogKind.EVENT_LOG)

    assert edges(found) == CYCLE
    assert skipped(found) == {"BAD_TEXT": (1, 3)}


def test_a_row_that_is_neither_utf_8_nor_of_the_right_length_is_counted_too(tmp_path: Path) -> None:
    log = EVENTS.encode() + b"1,a,1\n\xff\xfe\n1,b,3\n\xe4\xbd,c,\xa0,4\n" + "é,a,1\n".encode()

    found = learned(tmp_path, log, LogKind.EVENT_LOG)

    assert found.calls == 3
    assert skipped(found) == {"BAD_ROW": (2, 3)}


def test_texts_in_parquet_need_not_be_utf_8(tmp_path: Path) -> None:
    names = pa.array([b"a", b"\xff", b"b"]).view(pa.string())
    for endpoint in (names, names.dictionary_encode(), names.cast(pa.large_string())):
        log = parquet(tmp_path, session=[1, 1, 1], endpoint=endpoint, timestamp=[1, 2, 3])

        found = learned(tmp_path, log, LogKind.PARQUET)

        assert edges(found) == CYCLE
        assert skipped(found) == {"BAD_TEXT": (1, 2)}


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_bytes_that_are_no_utf_8_are_marked_wherever_a_read_ends(size: int) -> None:
    data = "aé你🙂".encode() + b"\xff\xe4\xbd" + b"z" * 5 + "é".encode() + b"\xe4"

    read = b"".join(iter(partial(Utf8(io.BytesIO(data)).read, size), b""))

    marked = read.decode()
    assert marked == "aé你🙂" + "\ufdd0" * 2 + "zzzzzé\ufdd0"
    assert unmarked(pa.array([read])).to_pylist() == [
        "aé你🙂".encode() + b"\xff\xff" + b"zzzzz" + "é".encode() + b"\xff"
    ]


def test_rows_out_of_order_are_put_in_their_place_and_counted(tmp_path: Path) -> None:
    log = EVENTS + "1,b,20\n2,a,5\n1,a,10\n2,b,6\n"

    found = learned(tmp_path, log, LogKind.EVENT_LOG)

    assert edges(found) == dict.fromkeys(CYCLE, 2)
    assert skipped(found) == {"OUT_OF_ORDER": (1, 4)}


def test_calls_at_one_time_keep_the_logs_order(tmp_path: Path) -> None:
    log = EVENTS + "1,c,9\n" + "".join(f"1,{name},5\n" for name in "abab")

    found = learned(tmp_path, log, LogKind.EVENT_LOG)

    assert edges(found) == {("", "a"): 1, ("a", "b"): 2, ("b", "a"): 1, ("b", "c"): 1, ("c", ""): 1}


def test_cases_of_one_event_and_any_name_are_sessions(tmp_path: Path) -> None:
    names = ["1", "01", "", "née", "a,b", "{}", "x" * 5000]
    log = EVENTS + "".join(f'"{name}",a,1\n' for name in names)

    found = learned(tmp_path, log, LogKind.EVENT_LOG)

    assert edges(found) == {("", "a"): 6, ("a", ""): 6}
    features = pq.read_table(tmp_path / "session_features.parquet")
    assert features["session"].to_pylist() == [name for name in names if name]
    assert skipped(found) == {"MISSING_SESSION": (1, 4)}


def test_names_that_no_workflow_can_have_are_learned_under_another(tmp_path: Path) -> None:
    log = EVENTS + f'1,"a\tb",1\n1,{"x" * 300},2\n'

    found = learned(tmp_path, log, LogKind.EVENT_LOG)

    assert edges(found) == {("", "a�b"): 1, ("a�b", "x" * 200): 1, ("x" * 200, ""): 1}
    assert skipped(found) == {"ENDPOINT_RENAMED": (2, 2)}
