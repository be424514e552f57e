"""JSONL and CSV: the same numbers between different texts, written by one kernel."""

import json
from collections.abc import Sequence

import numpy as np

from services.testdata.traces.formats.columns import COLUMNS
from services.testdata.traces.formats.texts import Texts, put_float, put_number, put_text, put_time
from services.testdata.traces.generation.calls import FAULT_KINDS, Calls
from services.testdata.traces.generation.chain import Chain
from services.testdata.traces.generation.jit import kernel

_NUMBERS = 24 + 3 * 19 + 5 + 48
"""The most bytes that a line's time, its user, session and fault, its status and its latency take."""


class Lines:
    """Writes a line a call: a time, and then texts and numbers in turn."""

    def __init__(self, header: bytes, texts: Sequence[Sequence[bytes]]) -> None:
        """header: the first line, if any. texts: what stands before the time, the user, the session (a text for each
        kind of user), the status (for each endpoint), the latency, the fault (for each parameters), and at the end (for
        each kind of fault).
        """
        self._header = header
        self._texts = Texts.of(texts)

    def beginning(self) -> bytes:
        """The header line."""
        return self._header

    def encode(self, calls: Calls, before: int = 0) -> bytes:  # noqa: ARG002 - a line stands for itself
        """The lines of these calls."""
        texts, count = self._texts, len(calls.timestamp)
        room = texts.size([count, count, calls.user_type, calls.endpoint, count, calls.params, calls.fault_kind])
        out = np.empty(room + count * _NUMBERS, np.uint8)
        columns = (calls.timestamp, calls.user, calls.user_type, calls.session, calls.endpoint, calls.status)
        more = (calls.latency, calls.params, calls.fault_id, calls.fault_kind)
        return out[: _write_lines(out, texts.blob, texts.starts, texts.tables, *columns, *more)].tobytes()


def json_lines(chain: Chain) -> Lines:
    """A JSON object a line."""

    def field(name: str, text: str) -> str:
        return f'"{name}":{json.dumps(text, ensure_ascii=False)},'

    return Lines(
        b"",
        [
            [b'{"timestamp":"'],
            [b'","user":'],
            [f',{field("user_type", kind)}"session":'.encode() for kind in chain.user_types],
            [
                f',{field("endpoint", endpoint)}{field("method", method)}"status":'.encode()
                for endpoint, method in zip(chain.endpoints, chain.methods, strict=True)
            ],
            [b',"latency_ms":'],
            [f',{field("params", params)}"fault_id":'.encode() for params in chain.params],
            [f',"fault_kind":{json.dumps(kind)}}}\n'.encode() for kind in FAULT_KINDS],
        ],
    )


def csv_lines(chain: Chain) -> Lines:
    """CSV of RFC 4180, but with LF, under a header line."""
    return Lines(
        ",".join(COLUMNS).encode() + b"\n",
        [
            [b""],
            [b","],
            [f",{_quoted(kind)},".encode() for kind in chain.user_types],
            [
                f",{_quoted(endpoint)},{_quoted(method)},".encode()
                for endpoint, method in zip(chain.endpoints, chain.methods, strict=True)
            ],
            [b","],
            [f",{_quoted(params)},".encode() for params in chain.params],
            [f",{kind}\n".encode() for kind in FAULT_KINDS],
        ],
    )


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\r\n') else text


@kernel
def _write_lines(  # type: ignore[no-untyped-def]
    out,
    blob,
    starts,
    tables,
    timestamp,
    user,
    user_type,
    session,
    endpoint,
    status,
    latency,
    params,
    fault_id,
    fault_kind,
):
    at = 0
    for call in range(len(timestamp)):
        at = put_text(out, at, blob, starts, tables[0])
        at = put_time(out, at, timestamp[call])
        at = put_text(out, at, blob, starts, tables[1])
        at = put_number(out, at, user[call])
        at = put_text(out, at, blob, starts, tables[2] + user_type[call])
        at = put_number(out, at, session[call])
        at = put_text(out, at, blob, starts, tables[3] + endpoint[call])
        at = put_number(out, at, status[call])
        at = put_text(out, at, blob, starts, tables[4])
        at = put_float(out, at, latency[call])
        at = put_text(out, at, blob, starts, tables[5] + params[call])
        at = put_number(out, at, fault_id[call])
        at = put_text(out, at, blob, starts, tables[6] + fault_kind[call])
    return at
