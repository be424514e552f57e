"""Access logs and OTLP JSON: sessions, calls, and skipped rows."""

import json
from pathlib import Path
from typing import Any

import pytest

from services.testdata.traces.logs.formats import LogKind
from services.testdata.traces.logs.paths import template
from tests.unit.testdata.learn import CYCLE, edges, learned, skipped


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
