"""OTLP JSON: one object, or one object per line as collectors write it.

If spans or their resources have the attribute `session.id`, it names the session, and the root spans of the traces are
its calls. Otherwise each trace is a session, and its calls are the root and the spans of kind SERVER. Other spans are
internal to a call and counted as NO_CALL.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import pyarrow as pa

from services.testdata.traces.learn.report import Report
from services.testdata.traces.learn.rows import RawRows
from services.testdata.traces.logs.errors import LogMalformed
from services.testdata.traces.logs.formats import LogFormat
from services.testdata.traces.logs.lines import ROWS
from shared.limits import MAX_LOG_DOCUMENT

_SERVER = (2, "2", "SPAN_KIND_SERVER")
_ERROR = (2, "2", "STATUS_CODE_ERROR")


class _Call(NamedTuple):
    """A span that is a call. start: Unix microseconds. latency: ms."""

    row: int
    session: str
    endpoint: str
    start: int
    latency: float
    status: str
    method: str
    fault_id: str
    fault_kind: str


def read_otlp_json(stream: BinaryIO, log_format: LogFormat, report: Report) -> Iterator[RawRows]:  # noqa: ARG001
    """Read calls. A row is a span, counted from 1. Raises LogMalformed. Counts BAD_LINE, BAD_SPAN and NO_CALL."""
    held: list[_Call] = []
    spans = _Spans(report)
    for document in _documents(stream, report):
        for call in spans.calls(document):
            held.append(call)
            if len(held) == ROWS:
                yield _rows(held)
                held = []
    if held:
        yield _rows(held)


def _documents(stream: BinaryIO, report: Report) -> Iterator[Any]:
    first = stream.readline(MAX_LOG_DOCUMENT + 1)
    try:
        yield json.loads(first)
    except (ValueError, RecursionError):
        # There is not one object per line, so it may be one object over many lines.
        text = first + stream.read(MAX_LOG_DOCUMENT + 1 - len(first))
        try:
            if len(text) > MAX_LOG_DOCUMENT:
                raise ValueError("too long") from None
            yield json.loads(text)
        except (ValueError, RecursionError) as error:
            why = "it is neither a JSON object of up to 256 MiB nor one object per line"
            raise LogMalformed(file=report.file, kind="OTLP JSON", place="its beginning", why=why) from error
        return
    while line := stream.readline(MAX_LOG_DOCUMENT + 1):
        if not line.strip():
            continue
        try:
            yield json.loads(line)
        except (ValueError, RecursionError):
            report.skip("BAD_LINE", report.row + 1)


class _Spans:
    """Separates calls from spans inside of calls."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._by_session: bool | None = None

    def calls(self, document: Any) -> Iterator[_Call]:
        """The calls of one document. The first document decides whether `session.id` names the sessions."""
        found = list(_spans(document))
        if self._by_session is None and found:
            self._by_session = any("session.id" in attributes for _, attributes in found)
        for span, attributes in found:
            self._report.row += 1
            try:
                call = self._call(span, attributes)
            except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
                self._report.skip("BAD_SPAN", self._report.row)
                continue
            if call is None:
                self._report.skip("NO_CALL", self._report.row)
            else:
                yield call

    def _call(self, span: Mapping[str, Any], attributes: Mapping[str, str]) -> _Call | None:
        root = not span.get("parentSpanId")
        if not root and (self._by_session or span.get("kind") not in _SERVER):
            return None
        trace, start, end = str(span["traceId"]), int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])
        return _Call(
            row=self._report.row,
            session=attributes.get("session.id", trace),
            endpoint=_endpoint(span, attributes),
            start=start // 1_000,
            latency=(end - start) / 1e6,
            status=_status(span, attributes),
            method=attributes.get("http.request.method", attributes.get("http.method", "")),
            fault_id=attributes.get("greenroom.fault_id", ""),
            fault_kind=attributes.get("greenroom.fault_kind", ""),
        )


def _spans(document: Any) -> Iterator[tuple[Any, dict[str, str]]]:
    """The spans of a document, each with its attributes and those of its resource."""
    for resource in _list(document, "resourceSpans"):
        shared = _attributes(resource.get("resource") if isinstance(resource, dict) else None)
        for scope in _list(resource, "scopeSpans"):
            for span in _list(scope, "spans"):
                yield span, {**shared, **_attributes(span)}


def _list(holder: Any, key: str) -> list[Any]:
    found = holder.get(key) if isinstance(holder, dict) else None
    return found if isinstance(found, list) else []


def _attributes(holder: Any) -> dict[str, str]:
    """The attributes with a single value, as text."""
    found = {}
    for pair in _list(holder, "attributes"):
        value = pair.get("value") if isinstance(pair, dict) else None
        if isinstance(value, dict) and isinstance(pair.get("key"), str):
            for one in value.values():
                if isinstance(one, str | int | float):
                    found[pair["key"]] = str(one)
    return found


def _endpoint(span: Mapping[str, Any], attributes: Mapping[str, str]) -> str:
    """Method and route of an HTTP request; only the route if it is not a path; the span's name without a route."""
    route = attributes.get("http.route", "")
    method = attributes.get("http.request.method", attributes.get("http.method", ""))
    if route.startswith("/") and method:
        return f"{method} {route}"
    return route or str(span["name"])


def _status(span: Mapping[str, Any], attributes: Mapping[str, str]) -> str:
    """The HTTP status. Without one: 500 for a failed span, 200 for others."""
    status = attributes.get("http.response.status_code", attributes.get("http.status_code"))
    if status is not None:
        return status
    outcome = span.get("status")
    return "500" if isinstance(outcome, dict) and outcome.get("code") in _ERROR else "200"


def _rows(held: Sequence[_Call]) -> RawRows:
    columns = list(zip(*held, strict=True))
    row, session, endpoint, start, latency, *rest = columns
    # A column without any value counts as missing.
    optional = (pa.array(column, pa.string()) if any(column) else None for column in rest)
    status, method, fault_id, fault_kind = optional
    return RawRows(
        np.array(row, np.int64),
        session=pa.array(session, pa.string()),
        endpoint=pa.array(endpoint, pa.string()),
        timestamp=pa.array(start, pa.timestamp("us")),
        latency=pa.array(latency, pa.float64()),
        status=status,
        method=method,
        fault_id=fault_id,
        fault_kind=fault_kind,
    )
