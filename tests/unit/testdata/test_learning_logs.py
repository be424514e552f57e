"""The readers of logs: what they take, what they skip and count, what they refuse and where."""

import gzip
import io
import json
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from services.testdata.traces.learning.errors import (
    LogColumnMissing,
    LogColumnUnfit,
    LogEmpty,
    LogMalformed,
    LogTruncated,
    TooManyEndpoints,
)
from services.testdata.traces.learning.formats import Columns, LogKind
from services.testdata.traces.learning.logs import READERS
from services.testdata.traces.learning.logs.paths import template
from services.testdata.traces.learning.logs.utf8 import Utf8, unmarked
from shared.errors import GreenroomError
from tests.unit.testdata.learn import edges, learned, skipped, zipped

OURS = "timestamp,session,endpoint,method,status,latency_ms,fault_id,fault_kind\n"
EVENTS = "case_id,activity,timestamp\n"
CYCLE = {("", "a"): 1, ("a", "b"): 1, ("b", ""): 1}
"""The edges of one session that goes from a to b."""


def parquet(folder: Path, **columns: Any) -> bytes:
    path = folder / "made.parquet"
    pq.write_table(pa.table(columns), path)
    return path.read_bytes()


def otlp(*spans: dict[str, Any], **resource: str) -> dict[str, Any]:
    return {
        "resourceSpans": [{"resource": {"attributes": attributes(**resource)}, "scopeSpans": [{"spans": list(spans)}]}]
    }


def attributes(**values: str | int) -> list[dict[str, Any]]:
    kinds = {str: "stringValue", int: "intValue"}
    return [{"key": key.replace("__", "."), "value": {kinds[type(value)]: value}} for key, value in values.items()]


def span(
    name: str, start: int, trace: str = "t1", parent: str = "", kind: int = 2, **values: str | int
) -> dict[str, Any]:
    """A span of 20 ms that begins at a millisecond."""
    return {
        "traceId": trace,
        "spanId": name,
        "parentSpanId": parent,
        "name": name,
        "kind": kind,
        "startTimeUnixNano": str(start * 1_000_000),
        "endTimeUnixNano": str((start + 20) * 1_000_000),
        "attributes": attributes(**values),
    }


def access(time: str, request: str, host: str = "10.0.0.1", status: str = "200", agent: str = "curl/8") -> str:
    return f'{host} - - [05/Jan/2026:{time} +0000] "{request}" {status} 512 "-" "{agent}"\n'


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
    odd = [{"latency_ms": [1]}, {"latency_ms": 10**400}, {"status": True}, {"endpoint": "\ud800"}, {"session": None}]
    records = [{"session": 1, "endpoint": "a", "timestamp": 5, "latency_ms": 1, "status": 200, **one} for one in odd]
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


def test_an_access_log_has_a_session_for_each_client_and_pause(tmp_path: Path) -> None:
    log = (
        access("10:00:00", "GET /orders/17?full=1 HTTP/1.1")
        + access("10:00:05", "GET /other HTTP/1.1", host="10.0.0.2")
        + access("10:29:00", "POST /orders/17 HTTP/1.1", status="500")
        + access("11:00:00", "GET /orders/99 HTTP/1.1")
        + access("10:00:09", "GET /orders/5 HTTP/1.1", agent="wget")
    )

    found = learned(tmp_path, log, LogKind.ACCESS_LOG)

    assert found.sessions == 4
    assert edges(found)["GET /orders/{id}", "POST /orders/{id}"] == 1
    assert edges(found)["GET /orders/{id}", ""] == 2
    rates = {one.name: (one.method, one.error_rate) for one in found.endpoints}
    assert rates["POST /orders/{id}"] == ("POST", 1)


def test_the_gap_of_an_access_log_can_be_chosen(tmp_path: Path) -> None:
    log = access("10:00:00", "GET /a HTTP/1.1") + access("10:10:00", "GET /b HTTP/1.1")

    assert learned(tmp_path, log, LogKind.ACCESS_LOG, session_gap=600.0).sessions == 1
    assert learned(tmp_path, log, LogKind.ACCESS_LOG, session_gap=599.0).sessions == 2


def test_lines_that_are_none_of_an_access_logs_are_counted(tmp_path: Path) -> None:
    log = (
        access("10:00:00", "GET /a HTTP/1.1")
        + "rubbish\n"
        + "\n"
        + access("10:00:01", "\\x16\\x03\\x01")
        + access("25:00:00", "GET /a HTTP/1.1")
        + "x" * (1 << 20)
        + "yz\n"
        + '10.0.0.1 - frank [05/Jan/2026:10:00:02 +0100] "GET /old HTTP/1.0" 200 -\n'
    )

    found = learned(tmp_path, log, LogKind.ACCESS_LOG)

    assert found.calls == 2
    assert skipped(found) == {
        "BAD_LINE": (1, 2),
        "BAD_REQUEST": (1, 4),
        "BAD_TIMESTAMP": (1, 5),
        "LINE_TOO_LONG": (1, 6),
    }


@pytest.mark.parametrize(
    ("path", "expected"),
    {
        "/orders/17": "/orders/{id}",
        "/orders/17/items/3?x=4#top": "/orders/{id}/items/{id}",
        "/u/3f2b8c1e-0000-4000-8000-1234567890ab": "/u/{id}",
        "/blob/deadbeef00": "/blob/{id}",
        "/t/eyJhbGciOiJIUzI1NiJ9x0aZ": "/t/{id}",
        "/feedback": "/feedback",
        "/decade": "/decade",
        "/presentations/logstash-monitorama-2013/": "/presentations/logstash-monitorama-2013/",
        "/images/jordan-80.png": "/images/jordan-80.png",
        "/v2/users": "/v2/users",
        "http://shop.example/cart/9": "/cart/{id}",
        "*": "*",
        "/": "/",
        "?q=1": "/",
    }.items(),
)
def test_ids_in_paths_are_replaced_and_names_are_not(path: str, expected: str) -> None:
    assert template(path) == expected


def test_in_otlp_a_session_is_a_trace_of_server_spans(tmp_path: Path) -> None:
    late = span("b", 30, parent="a", http__route="/b/{id}", http__request__method="GET")
    document = otlp(late, span("a", 10), span("inside", 11, parent="a", kind=3), span("a", 5, trace="t2"))

    found = learned(tmp_path, json.dumps(document, indent=1), LogKind.OTLP_JSON)

    assert edges(found) == {("", "a"): 2, ("a", "GET /b/{id}"): 1, ("a", ""): 1, ("GET /b/{id}", ""): 1}
    assert found.endpoints[1].mean == pytest.approx(20)
    assert skipped(found) == {"OUT_OF_ORDER": (1, 2), "NO_CALL": (1, 3)}


def test_in_otlp_with_session_ids_a_call_is_a_traces_root(tmp_path: Path) -> None:
    first = otlp(
        span("a", 10, trace="t1", session__id="s", http__route="a", http__response__status_code=503),
        span("inside", 11, trace="t1", parent="a"),
    )
    second = otlp(span("b", 50, trace="t2"), session__id="s")

    found = learned(tmp_path, "\n".join(map(json.dumps, [first, second])), LogKind.OTLP_JSON)

    assert edges(found) == CYCLE
    assert found.endpoints[0].error_rate == 1
    assert skipped(found) == {"NO_CALL": (1, 2)}


def test_spans_that_are_none_are_counted(tmp_path: Path) -> None:
    odd: list[Any] = [7, {}, {**span("x", 1), "startTimeUnixNano": "soon"}, {**span("x", 1), "attributes": 3}]
    document = otlp(*odd, span("a", 5), span("b", 6))

    found = learned(tmp_path, json.dumps(document) + "\nno JSON\n", LogKind.OTLP_JSON)

    assert found.calls == 3
    assert skipped(found) == {"BAD_SPAN": (3, 1), "BAD_LINE": (1, 7)}


RUBBISH = bytes(range(256)) * 400


@pytest.mark.parametrize("kind", LogKind)
def test_rubbish_of_any_kind_is_refused_and_never_a_crash(tmp_path: Path, kind: LogKind) -> None:
    for log in (
        RUBBISH,
        b"\x00" * 10_000,
        b"\xff\xfe" * 5_000,
        RUBBISH[::-1],
        b"PAR1" + RUBBISH + b"PAR1",
        b"[]",
        b"{}",
    ):
        for content in (log, gzip.compress(log)):
            with pytest.raises(GreenroomError) as caught:
                learned(tmp_path, content, kind)
            assert caught.value.code == "INVALID_ARGUMENT"
            assert "the.log" in str(caught.value)


@pytest.mark.parametrize("kind", LogKind)
def test_an_empty_log_is_refused(tmp_path: Path, kind: LogKind) -> None:
    with pytest.raises(GreenroomError, match=r"the\.log"):
        learned(tmp_path, b"", kind)


def test_damaged_gzip_is_refused_with_the_place(tmp_path: Path) -> None:
    log = EVENTS + "".join(f"{n},a,{n}\n" for n in range(400_000))
    whole = zipped(log)

    with pytest.raises(LogTruncated, match=r"behind row [1-9]"):
        learned(tmp_path, whole[:-1000], LogKind.EVENT_LOG)
    with pytest.raises(LogMalformed, match="gzip"):
        learned(tmp_path, whole[:500_000] + b"\x00" * 100 + whole[500_100:], LogKind.EVENT_LOG)


def test_damaged_parquet_is_refused(tmp_path: Path) -> None:
    whole = parquet(tmp_path, session=list(range(50_000)), endpoint=["a"] * 50_000, timestamp=list(range(50_000)))

    with pytest.raises(LogMalformed, match="Parquet"):
        learned(tmp_path, whole[: len(whole) // 2], LogKind.PARQUET)
    with pytest.raises(LogMalformed, match="Parquet"):
        learned(tmp_path, whole[:100] + b"\x99" * 5_000 + whole[5_100:], LogKind.PARQUET)


def test_a_missing_column_is_named_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(
        LogColumnMissing, match=r"no column 'activity' to take the endpoint from; it has 'case_id', 'x'"
    ):
        learned(tmp_path, "case_id,x,timestamp\n1,a,2\n", LogKind.EVENT_LOG)
    with pytest.raises(LogColumnMissing, match="'nope'"):
        learned(tmp_path, EVENTS + "1,a,2\n", LogKind.EVENT_LOG, Columns(latency="nope"))


def test_a_column_of_an_unfit_type_is_named(tmp_path: Path) -> None:
    log = parquet(tmp_path, session=[1], endpoint=["a"], timestamp=[[1]])
    with pytest.raises(LogColumnUnfit, match=r"'timestamp'.*list"):
        learned(tmp_path, log, LogKind.PARQUET)


def test_a_log_of_nothing_but_faults_says_which(tmp_path: Path) -> None:
    with pytest.raises(LogEmpty, match="BAD_TIMESTAMP 2 times, first in row 2"):
        learned(tmp_path, EVENTS + "1,a,x\n1,b,y\n", LogKind.EVENT_LOG)


def test_two_thousand_endpoints_are_learned_and_one_more_is_refused(tmp_path: Path) -> None:
    rows = [f"{n % 7},e{n},{n}\n" for n in range(2_001)]

    found = learned(tmp_path, EVENTS + "".join(rows[:-1]), LogKind.EVENT_LOG)

    assert len(found.endpoints) == 2_000
    with pytest.raises(TooManyEndpoints, match="more than 2,000"):
        learned(tmp_path, EVENTS + "".join(rows), LogKind.EVENT_LOG)
