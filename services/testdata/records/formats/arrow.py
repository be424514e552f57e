"""Arrow: record batches of records, their stream, and Parquet files."""

from collections.abc import Iterable, Iterator, Mapping
from typing import IO, assert_never

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from services.testdata.records.tables import Column, Mask, Numbers, Serials, Strings, Table, Texts, Uuids
from shared.model.packs.model import FieldType

ROW_GROUP = 1 << 20
"""Records in a row group."""
_END_OF_STREAM = 8
"""The bytes that close an Arrow stream."""
_NUMBERS = {
    FieldType.BOOLEAN: pa.bool_(),
    FieldType.DATE: pa.date32(),
    FieldType.DATETIME: pa.timestamp("us", tz="UTC"),
    FieldType.TIME: pa.time64("us"),
    FieldType.DURATION: pa.duration("us"),
    FieldType.NUMBER: pa.float64(),
}
"""The types of columns of numbers; others are int64."""
_DICTIONARY = pa.dictionary(pa.int32(), pa.string())


class ArrowStream:
    """Writes tables of one entity as the messages of one Arrow IPC stream. UUIDs have Arrow's own type."""

    def __init__(self, template: Table) -> None:
        self._schema = schema(template)

    def beginning(self) -> bytes:
        """The schema."""
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, self._schema):
            pass
        return bytes(memoryview(sink.getvalue())[:-_END_OF_STREAM])

    def encode(self, table: Table) -> bytes:
        """The records as one record batch."""
        columns = zip(table.columns.values(), self._schema, strict=True)
        arrays = [_array(column).cast(field.type) for column, field in columns]
        return bytes(memoryview(pa.RecordBatch.from_arrays(arrays, schema=self._schema).serialize()))

    def ending(self) -> bytes:
        """The mark of the end."""
        return b"\xff\xff\xff\xff\x00\x00\x00\x00"


def write_parquet(template: Table, tables: Iterable[Table], sink: IO[bytes], metadata: Mapping[str, str]) -> None:
    """Write tables of one entity as one Parquet file. The bytes do not depend on how the records are cut into tables.

    Durations are microseconds. metadata: key-value metadata of the file. Memory: the records of one row group.
    Raises what the sink raises.

    """
    texts = [name for name, column in template.columns.items() if isinstance(column, Texts) and not column.distinct]
    # The writer takes dictionaries as they are; the file has texts.
    kinds = pa.schema(
        [pa.field(one.name, _DICTIONARY if one.name in texts else one.type) for one in schema(template)],
        metadata=dict(metadata),
    )
    with pq.ParquetWriter(
        sink,
        kinds,
        # Random bytes become no smaller.
        compression={
            name: "none" if isinstance(column, Uuids) else "zstd" for name, column in template.columns.items()
        },
        compression_level={name: 1 for name, one in template.columns.items() if not isinstance(one, Uuids)} or None,
        use_dictionary=texts,
        write_statistics=[name for name in template.columns if name not in texts],
        write_batch_size=1 << 16,
        dictionary_pagesize_limit=1 << 24,
    ) as writer:
        for group in _row_groups(tables):
            columns = [_chunked([table.columns[one.name] for table in group], one.type) for one in kinds]
            writer.write_table(pa.Table.from_arrays(columns, schema=kinds), ROW_GROUP)


def schema(template: Table) -> pa.Schema:
    """The schema of the tables of an entity: texts without dictionaries."""
    return pa.schema([pa.field(name, _type(column)) for name, column in template.columns.items()])


def _type(column: Column) -> pa.DataType:
    match column:
        case Numbers():
            return _NUMBERS.get(column.type, pa.int64())
        case Uuids():
            return pa.uuid()
        case Serials() | Texts():
            return pa.string()
        case _:
            assert_never(column)


def _row_groups(tables: Iterable[Table]) -> Iterator[list[Table]]:
    """Put the records together to groups of ROW_GROUP; the last may be smaller."""
    group: list[Table] = []
    room = ROW_GROUP
    for table in tables:
        start = 0
        while start < table.rows:
            part = table.part(start, min(table.rows, start + room)) if table.rows > room or start else table
            group.append(part)
            start += part.rows
            room -= part.rows
            if not room:
                yield group
                group, room = [], ROW_GROUP
    if group:
        yield group


def _chunked(columns: list[Column], kind: pa.DataType) -> pa.ChunkedArray:
    """The columns one after the other, as one type. Dictionaries are put together unless they are the same."""
    arrays = [_array(column) for column in columns]
    if kind != _DICTIONARY:
        return pa.chunked_array([array.cast(kind) for array in arrays], kind)
    arrays = [array if array.type == kind else array.dictionary_encode() for array in arrays]
    whole = pa.chunked_array(arrays, kind)
    first = columns[0]
    same = isinstance(first, Texts) and all(isinstance(one, Texts) and one.strings is first.strings for one in columns)
    return whole if same else whole.unify_dictionaries()


def _array(column: Column) -> pa.Array:
    match column:
        case Numbers():
            return _numbers(column)
        case Uuids():
            both = np.empty((len(column), 2), ">u8")
            both[:, 0], both[:, 1] = column.high, column.low
            flat = pa.FixedSizeBinaryArray.from_buffers(
                pa.binary(16), len(column), [_mask(column.known), pa.py_buffer(both)]
            )
            return pa.ExtensionArray.from_storage(pa.uuid(), flat)
        case Serials():
            texts = [f"{column.prefix}{number:0{column.width}d}" for number in column.numbers.tolist()]
            return _strings(Strings.of(texts), column.known)
        case Texts():
            if column.distinct:
                return _strings(column.strings, column.known)
            absent = None if column.known is None else ~column.known
            codes = pa.array(column.codes, mask=absent)
            return pa.DictionaryArray.from_arrays(codes, _strings(column.strings, None), safe=False)
        case _:
            assert_never(column)


def _numbers(column: Numbers) -> pa.Array:
    absent = None if column.known is None else ~column.known
    kind = _NUMBERS.get(column.type, pa.int64())
    if kind == pa.bool_():
        return pa.array(column.values.astype(np.bool_), mask=absent)
    if kind == pa.date32():
        return pa.array(column.values.astype(np.int32), mask=absent).view(kind)
    if kind == pa.float64():
        return pa.array(column.values.astype(np.float64, copy=False), mask=absent)
    array = pa.array(column.values, mask=absent)
    return array if kind == pa.int64() else array.view(kind)


def _strings(strings: Strings, known: Mask | None) -> pa.Array:
    offsets = strings.starts.astype(np.int32)
    blob = np.ascontiguousarray(strings.blob)
    return pa.StringArray.from_buffers(len(strings), pa.py_buffer(offsets), pa.py_buffer(blob), _mask(known))


def _mask(known: Mask | None) -> pa.Buffer | None:
    return None if known is None else pa.py_buffer(np.packbits(known, bitorder="little"))
