"""Access logs in combined format, or in common format, which lacks the last two fields.

A client is a host with a user agent; a pause between its requests ends a session. The endpoint is the method and the
path without its query, with ids replaced by `{id}`. Requests for images, scripts and other static files count too;
remove them from the log if they should not be learned.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from services.testdata.traces.learn.report import Report
from services.testdata.traces.learn.rows import RawRows
from services.testdata.traces.logs.formats import LogFormat
from services.testdata.traces.logs.lines import ROWS, lines
from services.testdata.traces.logs.paths import template

_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_LINE = re.compile(rf"(\S+) \S+ [^\[]*\[([^\]]+)\] {_QUOTED} (\d{{3}}|-) \S+(?: {_QUOTED} {_QUOTED})?")
_REQUEST = re.compile(r"([A-Z]{2,20}) (\S+)(?: HTTP/[\d.]+)?")
_TIME = re.compile(r"(\d\d)/(\w{3})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)")
_MONTHS = {name: number for number, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}

_Found = tuple[int, str, str, int | None, str, str]
"""Row, client, endpoint, Unix milliseconds, status, method."""


def read_access_log(stream: BinaryIO, log_format: LogFormat, report: Report) -> Iterator[RawRows]:  # noqa: ARG001
    """Read requests, with clients as sessions. Counts BAD_LINE and BAD_REQUEST."""
    held: list[_Found] = []
    for number, line in lines(stream, report):
        match = _LINE.match(line.decode(errors="replace"))
        if match is None:
            report.skip("BAD_LINE", number)
            continue
        host, time, asked, status, _, agent = match.groups()
        request = _REQUEST.fullmatch(asked)
        if request is None:
            report.skip("BAD_REQUEST", number)
            continue
        method, path = request.groups()
        client = f"{host} {agent or ''}".rstrip()
        held.append((number, client, f"{method} {template(path)}", _time(time), status, method))
        if len(held) == ROWS:
            yield _rows(held)
            held = []
    if held:
        yield _rows(held)


def _rows(held: list[_Found]) -> RawRows:
    row, client, endpoint, time, status, method = zip(*held, strict=True)
    return RawRows(
        np.array(row, np.int64),
        session=pa.array(client, pa.string()),
        endpoint=pa.array(endpoint, pa.string()),
        timestamp=pa.array(time, pa.int64()),
        status=pa.array([None if one == "-" else int(one) for one in status], pa.int16()),
        method=pa.array(method, pa.string()),
    )


@lru_cache(1024)
def _time(text: str) -> int | None:
    """Unix milliseconds of `17/May/2015:10:05:03 +0000`; None if malformed."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    day, month, year, hour, minute, second, sign, hours, minutes = match.groups()
    try:
        local = datetime(int(year), _MONTHS[month], int(day), int(hour), int(minute), int(second), tzinfo=UTC)
    except (KeyError, ValueError):
        return None
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return round((local.timestamp() - offset.total_seconds() * (1 if sign == "+" else -1)) * 1000)
