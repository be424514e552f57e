"""OTLP: `opentelemetry.proto.trace.v1.TracesData` in the wire format of protobuf, without a message object per span.

The bytes equal those of the generated classes: fields in order, zeros left out. Spans are grouped by service.
Attributes follow the semantic conventions for HTTP, sessions and users. Attributes without a convention are named
`greenroom.…`: the user type, the fault, and the culprit. Traces begin at whole milliseconds and last nanoseconds.
"""

from typing import assert_never

import numpy as np

from services.testdata.traces.formats.records import How, Part, Records
from services.testdata.traces.formats.texts import Texts, put_bytes, put_text, put_varint, varint_size
from services.testdata.traces.formats.wire import BYTES, FIXED_64, VARINT, bytes_field, tag, text_field, varint
from services.testdata.traces.generation.chain import ALGORITHM, Chain
from services.testdata.traces.generation.jit import kernel
from services.testdata.traces.generation.spans import Spans, services, spans
from services.testdata.traces.schema import COLUMNS, Calls, Column, Kind

_SERVER_KIND = bytes([tag(6, VARINT), 2])
_ERROR = bytes_field(15, bytes([tag(3, VARINT), 2]))
_CULPRIT = bytes_field(9, bytes_field(1, b"greenroom.culprit") + bytes_field(2, bytes([tag(2, VARINT), 1])))
_TRACE_ID, _SPAN_ID, _PARENT_ID = tag(1, BYTES), tag(2, BYTES), tag(4, BYTES)
_START, _END = tag(7, FIXED_64), tag(8, FIXED_64)
_SPAN = tag(2, BYTES)
_FIXED = 18 + 10 + 9 + 9
"""The bytes of a root span's trace id, id, start and end; a parent's id takes _PARENT more."""
_PARENT = 10

_ROOTS, _CHILDREN, _MARKS = range(3)
"""The tables of texts: names of root spans by endpoint, names of other spans by service, marks."""
_CULPRIT_MARK, _ERROR_MARK = range(2)


class Otlp:
    """Writes calls as traces."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._services = services(chain)
        self._attributes = Records([_part(chain, column) for column in COLUMNS if column.attribute])
        pairs = zip(chain.methods, chain.endpoints, strict=True)
        self._texts = Texts.of(
            [
                [text_field(5, _name(method, endpoint)) + _SERVER_KIND for method, endpoint in pairs],
                [text_field(5, name) + _SERVER_KIND for name in self._services.names],
                [_CULPRIT, _ERROR],
            ]
        )
        scope = bytes_field(1, text_field(1, "greenroom.traces") + text_field(2, ALGORITHM))
        self._heads = [
            (bytes_field(1, bytes_field(1, _key_value("service.name", name))), scope) for name in self._services.names
        ]

    def beginning(self) -> bytes:
        """Nothing: concatenated TracesData are one TracesData."""
        return b""

    def encode(self, calls: Calls, before: int = 0) -> bytes:
        """The calls' traces. before: the number of earlier calls of the first call's session."""
        made = spans(self._chain, self._services, calls, before)
        texts, attributes = self._texts, self._attributes.write(calls)
        tree = tuple(getattr(made, name) for name in Spans.__slots__)
        sizes, whole = np.empty((2, len(made.call)), np.int64)
        _measure(texts.starts, texts.tables, calls.endpoint, attributes[1], tree, sizes, whole)
        # Put the spans of one service together.
        order = np.argsort(made.service.astype(np.uint16), kind="stable")
        bounds = np.searchsorted(made.service[order], np.arange(len(self._heads) + 1))
        ends = np.concatenate([[0], whole[order].cumsum()])[bounds]
        parts: list[bytes] = []
        for service, (resource, scope) in enumerate(self._heads):
            first, last, size = int(bounds[service]), int(bounds[service + 1]), int(ends[service + 1] - ends[service])
            if size:
                out = np.empty(size, np.uint8)
                blob = (texts.blob, texts.starts, texts.tables)
                _write(out, order[first:last], *blob, calls.endpoint, *attributes, tree, sizes)
                in_scope = bytes([tag(2, BYTES)]) + varint(len(scope) + size) + scope
                of_service = bytes([tag(1, BYTES)]) + varint(len(resource) + len(in_scope) + size) + resource
                parts += [of_service, in_scope, out.tobytes()]
        return b"".join(parts)


def _part(chain: Chain, column: Column) -> Part:
    """The attribute of a column on a root span; empty texts have none."""
    match column.kind:
        case Kind.TEXT:
            texts = column.texts_of(chain)
            return Part(column, How.TEXT, [_attribute(column.attribute, text) for text in texts])
        case Kind.TIME | Kind.NUMBER | Kind.DECIMAL:
            how = How.TEXT_ATTRIBUTE if column.as_text else How.ATTRIBUTE
            return Part(column, how, [bytes_field(1, column.attribute.encode())])
        case _:
            assert_never(column.kind)


def _name(method: str, endpoint: str) -> str:
    return endpoint if endpoint.startswith(f"{method} ") else f"{method} {endpoint}"


def _key_value(key: str, text: str) -> bytes:
    return text_field(1, key) + bytes_field(2, bytes_field(1, text.encode()))


def _attribute(key: str, text: str) -> bytes:
    """The attribute of a span; nothing for an empty text."""
    return bytes_field(9, _key_value(key, text)) if text else b""


@kernel
def _text_size(starts, text):  # type: ignore[no-untyped-def]
    return starts[text + 1] - starts[text]


@kernel
def _measure(starts, tables, endpoint, attributes, tree, sizes, whole):  # type: ignore[no-untyped-def]
    """The size of each span, without and with tag and length. attributes: the offset of each call's attributes."""
    _, call_of, caller, service, _, _, _, failed, culprit = tree
    marks = tables[_MARKS]
    for span in range(len(sizes)):
        size = _FIXED
        if caller[span] >= 0:
            size += _PARENT + _text_size(starts, tables[_CHILDREN] + service[span])
        else:
            call = call_of[span]
            size += _text_size(starts, tables[_ROOTS] + endpoint[call]) + _text_size(attributes, call)
        if culprit[span]:
            size += _text_size(starts, marks + _CULPRIT_MARK)
        if failed[span]:
            size += _text_size(starts, marks + _ERROR_MARK)
        sizes[span], whole[span] = size, 1 + varint_size(size) + size


@kernel
def _write(out, order, blob, starts, tables, endpoint, attributes, attribute_starts, tree, sizes):  # type: ignore[no-untyped-def]
    """Write the spans in this order."""
    trace_ids, call_of, caller, service, ids, start, end, failed, culprit = tree
    marks = tables[_MARKS]
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
            at = put_text(out, at, attributes, attribute_starts, call)
        if culprit[span]:
            at = put_text(out, at, blob, starts, marks + _CULPRIT_MARK)
        if failed[span]:
            at = put_text(out, at, blob, starts, marks + _ERROR_MARK)
