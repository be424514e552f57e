"""OTLP: `opentelemetry.proto.trace.v1.TracesData` in the wire format of protobuf, without a message object a span.

The bytes are those that the generated classes write: fields in order, zeros left out. Spans stand under the service
that they are of. Attributes follow the semantic conventions for HTTP, sessions and users; what they have no name for is
`greenroom.…`: the kind of user, the fault, and which span is to blame for it. A trace begins in milliseconds, as calls
do, and lasts nanoseconds.
"""

import numpy as np

from services.testdata.traces.formats.texts import (
    Texts,
    digits,
    put_bytes,
    put_number,
    put_text,
    put_varint,
    varint_size,
)
from services.testdata.traces.formats.wire import BYTES, FIXED_64, VARINT, bytes_field, tag, text_field, varint
from services.testdata.traces.generation.calls import FAULT_KINDS, Calls
from services.testdata.traces.generation.chain import ALGORITHM, Chain
from services.testdata.traces.generation.jit import kernel
from services.testdata.traces.generation.spans import Spans, services, spans

_SERVER_KIND = bytes([tag(6, VARINT), 2])
_ERROR = bytes_field(15, bytes([tag(3, VARINT), 2]))
_TRACE_ID, _SPAN_ID, _PARENT_ID = tag(1, BYTES), tag(2, BYTES), tag(4, BYTES)
_START, _END, _ATTRIBUTE = tag(7, FIXED_64), tag(8, FIXED_64), tag(9, BYTES)
_KEY, _VALUE, _STRING, _INT = tag(1, BYTES), tag(2, BYTES), tag(1, BYTES), tag(3, VARINT)
_SPAN = tag(2, BYTES)
_FIXED = 18 + 10 + 9 + 9
"""The bytes of a root span's trace id, id, start and end; a parent's id takes _PARENT more."""
_PARENT = 10

_CALLS = ("user", "user_type", "session", "endpoint", "status", "params", "fault_id", "fault_kind")

_ROOTS, _CHILDREN, _ENDPOINTS, _PARAMS, _USER_TYPES, _FAULT_KINDS, _KEYS, _MARKS = range(8)
"""The tables of texts."""
_SESSION_KEY, _USER_KEY, _STATUS_KEY, _FAULT_KEY = range(4)
_CULPRIT_MARK, _ERROR_MARK = range(2)


class Otlp:
    """Writes calls as traces."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._services = services(chain)
        pairs = list(zip(chain.methods, chain.endpoints, strict=True))
        keys = ("session.id", "user.id", "http.response.status_code", "greenroom.fault_id")
        self._texts = Texts.of(
            [
                [text_field(5, _name(method, endpoint)) + _SERVER_KIND for method, endpoint in pairs],
                [text_field(5, name) + _SERVER_KIND for name in self._services.names],
                [
                    _attribute("http.request.method", method) + _attribute("http.route", route)
                    for method, route in pairs
                ],
                [_attribute("url.query", params) for params in chain.params],
                [_attribute("greenroom.user_type", kind) for kind in chain.user_types],
                [_attribute("greenroom.fault_kind", kind) for kind in FAULT_KINDS],
                [bytes_field(1, key.encode()) for key in keys],
                [
                    bytes_field(9, bytes_field(1, b"greenroom.culprit") + bytes_field(2, bytes([tag(2, VARINT), 1]))),
                    _ERROR,
                ],
            ]
        )
        scope = bytes_field(1, text_field(1, "greenroom.traces") + text_field(2, ALGORITHM))
        self._heads = [
            (bytes_field(1, bytes_field(1, _key_value("service.name", name))), scope) for name in self._services.names
        ]

    def beginning(self) -> bytes:
        """Nothing: TracesData that follow each other are one."""
        return b""

    def encode(self, calls: Calls, before: int = 0) -> bytes:
        """The calls' traces. before: how many calls of the first one's session came before it."""
        made = spans(self._chain, self._services, calls, before)
        texts = self._texts
        columns = tuple(getattr(calls, name) for name in _CALLS)
        about = tuple(getattr(made, name) for name in Spans.__slots__)
        sizes, whole = np.empty((2, len(made.call)), np.int64)
        _measure(texts.starts, texts.tables, columns, about, sizes, whole)
        # A service's spans, one after the other.
        order = np.argsort(made.service.astype(np.uint16), kind="stable")
        bounds = np.searchsorted(made.service[order], np.arange(len(self._heads) + 1))
        ends = np.concatenate([[0], whole[order].cumsum()])[bounds]
        parts: list[bytes] = []
        for service, (resource, scope) in enumerate(self._heads):
            first, last, size = int(bounds[service]), int(bounds[service + 1]), int(ends[service + 1] - ends[service])
            if size:
                out = np.empty(size, np.uint8)
                _write(out, order[first:last], texts.blob, texts.starts, texts.tables, columns, about, sizes)
                in_scope = bytes([tag(2, BYTES)]) + varint(len(scope) + size) + scope
                of_service = bytes([tag(1, BYTES)]) + varint(len(resource) + len(in_scope) + size) + resource
                parts += [of_service, in_scope, out.tobytes()]
        return b"".join(parts)


def _name(method: str, endpoint: str) -> str:
    return endpoint if endpoint.startswith(f"{method} ") else f"{method} {endpoint}"


def _key_value(key: str, text: str) -> bytes:
    return text_field(1, key) + bytes_field(2, bytes_field(1, text.encode()))


def _attribute(key: str, text: str) -> bytes:
    """A span's attribute; nothing when it is empty."""
    return bytes_field(9, _key_value(key, text)) if text else b""


@kernel
def _text_size(starts, text):  # type: ignore[no-untyped-def]
    return starts[text + 1] - starts[text]


@kernel
def _number_size(starts, key, value):  # type: ignore[no-untyped-def]
    """The bytes of an attribute that is a number, without tag and length."""
    return _text_size(starts, key) + 3 + varint_size(value)


@kernel
def _put_number_attribute(out, at, blob, starts, key, value):  # type: ignore[no-untyped-def]
    out[at], out[at + 1] = _ATTRIBUTE, _number_size(starts, key, value)
    at = put_text(out, at + 2, blob, starts, key)
    out[at], out[at + 1], out[at + 2] = _VALUE, 1 + varint_size(value), _INT
    return put_varint(out, at + 3, value)


@kernel
def _id_size(starts, key, value):  # type: ignore[no-untyped-def]
    """The bytes of an attribute that is a number as text, without tag and length."""
    return _text_size(starts, key) + 4 + digits(value)


@kernel
def _put_id_attribute(out, at, blob, starts, key, value):  # type: ignore[no-untyped-def]
    out[at], out[at + 1] = _ATTRIBUTE, _id_size(starts, key, value)
    at = put_text(out, at + 2, blob, starts, key)
    count = digits(value)
    out[at], out[at + 1], out[at + 2], out[at + 3] = _VALUE, 2 + count, _STRING, count
    return put_number(out, at + 4, value)


@kernel
def _measure(starts, tables, columns, about, sizes, whole):  # type: ignore[no-untyped-def]
    """The bytes of each span, without and with its tag and length."""
    user, user_type, session, endpoint, status, params, fault_id, fault_kind = columns
    _, call_of, caller, service, _, _, _, failed, culprit = about
    keys, marks = tables[_KEYS], tables[_MARKS]
    for span in range(len(sizes)):
        size = _FIXED
        if caller[span] >= 0:
            size += _PARENT + _text_size(starts, tables[_CHILDREN] + service[span])
        else:
            call = call_of[span]
            size += _text_size(starts, tables[_ROOTS] + endpoint[call])
            size += _text_size(starts, tables[_ENDPOINTS] + endpoint[call])
            size += _text_size(starts, tables[_PARAMS] + params[call])
            size += _text_size(starts, tables[_USER_TYPES] + user_type[call])
            size += _text_size(starts, tables[_FAULT_KINDS] + fault_kind[call])
            size += 2 + _number_size(starts, keys + _STATUS_KEY, status[call])
            size += 2 + _id_size(starts, keys + _SESSION_KEY, session[call])
            size += 2 + _id_size(starts, keys + _USER_KEY, user[call])
            if fault_id[call]:
                size += 2 + _number_size(starts, keys + _FAULT_KEY, fault_id[call])
        if culprit[span]:
            size += _text_size(starts, marks + _CULPRIT_MARK)
        if failed[span]:
            size += _text_size(starts, marks + _ERROR_MARK)
        sizes[span], whole[span] = size, 1 + varint_size(size) + size


@kernel
def _write(out, order, blob, starts, tables, columns, about, sizes):  # type: ignore[no-untyped-def]
    """Write the spans in this order."""
    user, user_type, session, endpoint, status, params, fault_id, fault_kind = columns
    trace_ids, call_of, caller, service, ids, start, end, failed, culprit = about
    keys, marks = tables[_KEYS], tables[_MARKS]
    trace_id_bytes, id_bytes = trace_ids.ravel().view(np.uint8), ids.view(np.uint8)
    start_bytes, end_bytes = start.view(np.uint8), end.view(np.uint8)
    at = 0
    for span in order:
        call = call_of[span]
        out[at] = _SPAN
        at = put_varint(out, at + 1, sizes[span])
        out[at], out[at + 1] = _TRACE_ID, 16
        at = put_bytes(out, at + 2, trace_id_bytes, call, 16)
        out[at], out[at + 1] = _SPAN_ID, 8
        at = put_bytes(out, at + 2, id_bytes, span, 8)
        if caller[span] >= 0:
            out[at], out[at + 1] = _PARENT_ID, 8
            at = put_bytes(out, at + 2, id_bytes, caller[span], 8)
            at = put_text(out, at, blob, starts, tables[_CHILDREN] + service[span])
        else:
            at = put_text(out, at, blob, starts, tables[_ROOTS] + endpoint[call])
        out[at] = _START
        at = put_bytes(out, at + 1, start_bytes, span, 8)
        out[at] = _END
        at = put_bytes(out, at + 1, end_bytes, span, 8)
        if caller[span] < 0:
            at = put_text(out, at, blob, starts, tables[_ENDPOINTS] + endpoint[call])
            at = put_text(out, at, blob, starts, tables[_PARAMS] + params[call])
            at = _put_number_attribute(out, at, blob, starts, keys + _STATUS_KEY, status[call])
            at = _put_id_attribute(out, at, blob, starts, keys + _SESSION_KEY, session[call])
            at = _put_id_attribute(out, at, blob, starts, keys + _USER_KEY, user[call])
            at = put_text(out, at, blob, starts, tables[_USER_TYPES] + user_type[call])
            if fault_id[call]:
                at = _put_number_attribute(out, at, blob, starts, keys + _FAULT_KEY, fault_id[call])
            at = put_text(out, at, blob, starts, tables[_FAULT_KINDS] + fault_kind[call])
        if culprit[span]:
            at = put_text(out, at, blob, starts, marks + _CULPRIT_MARK)
        if failed[span]:
            at = put_text(out, at, blob, starts, marks + _ERROR_MARK)
