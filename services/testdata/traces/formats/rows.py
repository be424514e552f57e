"""ROWS: the `calls` of a StreamCallsResponse in the wire format of protobuf, without a message object a call.

The bytes are those that the generated classes of `trace_call.proto` write: fields in order, zeros left out.
"""

import numpy as np

from services.testdata.traces.formats.texts import (
    Texts,
    put_bytes,
    put_text,
    put_varint,
    varint_size,
)
from services.testdata.traces.formats.wire import BYTES, FIXED_32, VARINT, tag, text_field
from services.testdata.traces.generation.calls import FAULT_KINDS, Calls
from services.testdata.traces.generation.chain import Chain
from services.testdata.traces.generation.jit import kernel

_CALLS = tag(1, BYTES)
_TIMESTAMP, _USER, _SESSION, _STATUS = tag(1, VARINT), tag(2, VARINT), tag(4, VARINT), tag(7, VARINT)
_LATENCY, _FAULT_ID = tag(8, FIXED_32), tag(10, VARINT)
_NUMBERS = 6 + 5 * 11 + 5
"""The most bytes of a call's tag and length, its five whole numbers and its latency."""


class Rows:
    """Writes calls as the field `calls`."""

    def __init__(self, chain: Chain) -> None:
        self._texts = Texts.of(
            [
                [text_field(3, kind) for kind in chain.user_types],
                [
                    text_field(5, endpoint) + text_field(6, method)
                    for endpoint, method in zip(chain.endpoints, chain.methods, strict=True)
                ],
                [text_field(9, params) for params in chain.params],
                [bytes([tag(11, VARINT), kind]) if kind else b"" for kind in range(len(FAULT_KINDS))],
            ]
        )

    def beginning(self) -> bytes:
        """Nothing: messages need no header."""
        return b""

    def encode(self, calls: Calls, before: int = 0) -> bytes:  # noqa: ARG002 - a call stands for itself
        """The field, once a call."""
        texts, count = self._texts, len(calls.timestamp)
        room = texts.size([calls.user_type, calls.endpoint, calls.params, calls.fault_kind])
        out = np.empty(room + count * _NUMBERS, np.uint8)
        columns = (calls.timestamp, calls.user, calls.user_type, calls.session, calls.endpoint, calls.status)
        more = (calls.latency, calls.params, calls.fault_id, calls.fault_kind)
        return out[: _write_rows(out, texts.blob, texts.starts, texts.tables, *columns, *more)].tobytes()


@kernel
def _put(out, at, field, value):  # type: ignore[no-untyped-def]
    if value == 0:
        return at
    out[at] = field
    return put_varint(out, at + 1, value)


@kernel
def _size(value):  # type: ignore[no-untyped-def]
    return 0 if value == 0 else 1 + varint_size(value)


@kernel
def _write_rows(  # type: ignore[no-untyped-def]
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
    latency_bytes = latency.view(np.uint8)
    at = 0
    for call in range(len(timestamp)):
        kind, place = tables[0] + user_type[call], tables[1] + endpoint[call]
        query, fault = tables[2] + params[call], tables[3] + fault_kind[call]
        size = _size(timestamp[call]) + _size(user[call]) + _size(session[call]) + _size(status[call])
        size += _size(fault_id[call]) + (5 if latency[call] else 0)
        for text in (kind, place, query, fault):
            size += starts[text + 1] - starts[text]
        out[at] = _CALLS
        at = put_varint(out, at + 1, size)
        at = _put(out, at, _TIMESTAMP, timestamp[call])
        at = _put(out, at, _USER, user[call])
        at = put_text(out, at, blob, starts, kind)
        at = _put(out, at, _SESSION, session[call])
        at = put_text(out, at, blob, starts, place)
        at = _put(out, at, _STATUS, status[call])
        if latency[call]:
            out[at] = _LATENCY
            at = put_bytes(out, at + 1, latency_bytes, call, 4)
        at = put_text(out, at, blob, starts, query)
        at = _put(out, at, _FAULT_ID, fault_id[call])
        at = put_text(out, at, blob, starts, fault)
    return at
