"""JSON, JSONL, CSV and SQL: each record as text."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from services.testdata.records.formats.parts import NULL, How, Kept, Part, Writer, replaced, wrapped, write
from services.testdata.records.tables import Column, Mask, Numbers, Serials, Strings, Table, Texts, Uuids
from services.testdata.traces.generation.jit import kernel
from shared.model.packs.model import FieldType

HOWS = {FieldType.DATE: How.DATE, FieldType.DATETIME: How.DATETIME, FieldType.TIME: How.TIME}
_QUOTED = frozenset({FieldType.DATE, FieldType.DATETIME, FieldType.TIME, FieldType.DURATION})
_UNITS = ((86_400_000_000, "day"), (3_600_000_000, "hour"), (60_000_000, "minute"), (1_000_000, "second"))


@dataclass(frozen=True, slots=True)
class Style:
    """A text format.

    escape: texts as they stand between the quotes. quote: around texts and times. null, truths: null, false and true.
    raw_json: values of JSON stand as they are. label: what precedes a value, by its field's number and name.
    end: after a record. beginning, ending: around all records, by the names of the fields.
    between: what separates records; it begins every record but the very first.
    """

    escape: Callable[[Strings], Strings]
    quote: str
    null: str
    truths: tuple[str, str]
    raw_json: bool
    label: Callable[[int, str], str]
    end: str
    beginning: str = ""
    ending: str = ""
    between: str = ""


class TextEncoder:
    """Writes tables of one entity in a style."""

    def __init__(self, style: Style, names: Sequence[str], left_out: frozenset[str] = frozenset()) -> None:
        """left_out: columns of the tables that are not written, and not among the names."""
        self._style = style
        self._left_out = left_out
        labels = [style.label(number, name) for number, name in enumerate(names)]
        self._befores = [(style.between if not number else "") + label for number, label in enumerate(labels)]
        self._after = ["" for _ in labels[1:]] + [style.end]
        self._writer = Writer()
        self._kept = Kept()

    def beginning(self) -> bytes:
        """What precedes all records."""
        return self._style.beginning.encode()

    def encode(self, table: Table) -> bytes:
        """The records of a table."""
        if not table.rows:
            return b""
        columns = (column for name, column in table.columns.items() if name not in self._left_out)
        parts = [self._part(number, column) for number, column in enumerate(columns)]
        out, ends = np.empty(self._writer.room(parts), np.uint8), np.empty(table.rows, np.int64)
        write(out, ends, *self._writer.arrays(parts))
        return out[len(self._style.between) if not table.first else 0 : ends[-1]].tobytes()

    def ending(self) -> bytes:
        """What follows all records."""
        return self._style.ending.encode()

    def _part(self, number: int, column: Column) -> Part:
        match column:
            case Numbers():
                return self._number(number, column)
            case Uuids():
                values = masked(column.high.view(np.int64), column.known)
                return Part(How.UUID, values, self._around(number, self._style.quote), lows=column.low)
            case Serials():
                prefix = self._escaped(Strings.of([column.prefix])).texts[0]
                texts = self._around(number, self._style.quote, prefix)
                return Part(How.SERIAL, masked(column.numbers, column.known), texts, digits=column.width)
            case Texts():
                raw = column.type is FieldType.JSON and self._style.raw_json
                if column.distinct:
                    own = column.strings if raw else self._escaped(column.strings)
                    values = masked(np.arange(len(column), dtype=np.int64), column.known)
                    return Part(How.ROW, values, self._around(number, "" if raw else self._style.quote), own=own)
                return self._coded(number, column, raw)
            case _:
                assert_never(column)

    def _coded(self, number: int, column: Texts, raw: bool) -> Part:
        def make() -> Strings:
            quote = "" if raw else self._style.quote
            before, after = self._befores[number] + quote, quote + self._after[number]
            texts = column.strings if raw else self._escaped(column.strings)
            whole = Strings(*wrapped(_bytes(before), texts.blob, texts.starts, _bytes(after)))
            return _with(whole, self._befores[number] + self._style.null + self._after[number])

        values = column.codes.astype(np.int64)
        if column.known is not None:
            values[~column.known] = len(column.strings)
        return Part(How.TEXT, values, self._kept.get((number, column.strings), make))

    def _escaped(self, texts: Strings) -> Strings:
        return self._style.escape(texts)

    def _number(self, number: int, column: Numbers) -> Part:
        style = self._style
        if column.type is FieldType.BOOLEAN:
            choices = [self._befores[number] + one + self._after[number] for one in (*style.truths, style.null)]
            values = column.values.astype(np.int64)
            if column.known is not None:
                values[~column.known] = 2
            return Part(How.TEXT, values, self._fixed(number, choices))
        if column.type is FieldType.DURATION:
            different, places = np.unique(column.values, return_inverse=True)
            own = Strings.of([duration(value) for value in different.tolist()])
            return Part(How.ROW, masked(places, column.known), self._around(number, style.quote), own=own)
        if column.values.dtype == np.float64:
            return self._fraction(number, column)
        how = HOWS.get(column.type, How.WHOLE)
        quote = style.quote if column.type in _QUOTED else ""
        return Part(how, masked(column.values, column.known), self._around(number, quote))

    def _fraction(self, number: int, column: Numbers) -> Part:
        around = self._around(number, "")
        if column.scale is not None and column.scale <= 15 and np.abs(column.values).max() < 2**53 / 10**column.scale:
            whole = np.rint(column.values * 10.0**column.scale).astype(np.int64)
            return Part(How.DECIMAL, masked(whole, column.known), around, digits=column.scale)
        texts = pa.array(column.values).cast(pa.string())
        starts = np.frombuffer(texts.buffers()[1], np.int32)[: len(texts) + 1].astype(np.int64)
        own = Strings(np.frombuffer(texts.buffers()[2], np.uint8)[: starts[-1]], starts)
        return Part(How.ROW, masked(np.arange(len(column), dtype=np.int64), column.known), around, own=own)

    def _around(self, number: int, quote: str, prefix: str = "") -> Strings:
        before, after = self._befores[number], self._after[number]
        return self._fixed(number, [before + quote + prefix, quote + after, before + self._style.null + after])

    def _fixed(self, number: int, texts: list[str]) -> Strings:
        """The same object for the same texts, so that the writer need not put them together again."""
        return self._kept.get((number, *texts), lambda: Strings.of(texts))


def duration(microseconds: int) -> str:
    """A duration such as `3 days`, in the largest unit that divides it."""
    for size, unit in _UNITS:
        if microseconds % size == 0 and (microseconds or unit == "second"):
            count = microseconds // size
            return f"{count} {unit}" + ("" if count == 1 else "s")
    return f"{microseconds // 1_000_000} seconds"


def masked(values: NDArray[np.int64], known: Mask | None) -> NDArray[np.int64]:
    return values if known is None else np.where(known, values, NULL)


def _bytes(text: str) -> NDArray[np.uint8]:
    return np.frombuffer(text.encode(), np.uint8)


def _with(strings: Strings, text: str) -> Strings:
    """The texts and one more."""
    blob = np.concatenate([strings.blob, _bytes(text)])
    return Strings(blob, np.append(strings.starts, len(blob)))


def _replacing(replacements: dict[str, str]) -> Callable[[Strings], Strings]:
    """Replaces characters of ASCII."""
    table = [bytes([byte]) for byte in range(256)]
    for char, text in replacements.items():
        table[ord(char)] = text.encode()
    blob = np.frombuffer(b"".join(table), np.uint8)
    starts = np.cumsum([0, *map(len, table)], dtype=np.int64)
    return lambda strings: Strings(*replaced(strings.blob, strings.starts, blob, starts))


_JSON_ESCAPES = {chr(code): json.dumps(chr(code))[1:-1] for code in (*range(32), ord('"'), ord("\\"))}


@kernel
def _csv_escaped(blob, starts):  # type: ignore[no-untyped-def]
    """Texts as fields of CSV, quoted where they must be, and with an apostrophe before what looks like a formula."""
    out, out_starts = np.empty(2 * len(blob) + 3 * len(starts), np.uint8), np.zeros(len(starts), np.int64)
    at = 0
    for text in range(len(starts) - 1):
        first, last = starts[text], starts[text + 1]
        quoted = first == last
        for place in range(first, last):
            byte = blob[place]
            quoted = quoted or byte == 34 or byte == 44 or byte == 10 or byte == 13
        formula = False
        if first < last:
            start = blob[first]
            formula = start == 61 or start == 64 or start == 9 or start == 13
            if start == 43 or start == 45:
                # A sign before nothing but digits is a number, such as that of a phone.
                for place in range(first + 1, last):
                    formula = formula or not (48 <= blob[place] <= 57 or blob[place] == 46 or blob[place] == 32)
                formula = formula or last == first + 1
        if quoted:
            out[at] = 34
            at += 1
        if formula:
            out[at] = 39
            at += 1
        for place in range(first, last):
            if blob[place] == 34:
                out[at] = 34
                at += 1
            out[at] = blob[place]
            at += 1
        if quoted:
            out[at] = 34
            at += 1
        out_starts[text + 1] = at
    return out[:at], out_starts


def _csv(strings: Strings) -> Strings:
    return Strings(*_csv_escaped(strings.blob, strings.starts))


def _json_label(number: int, name: str) -> str:
    return f"{',' if number else '{'}{json.dumps(name, ensure_ascii=False)}:"


def json_lines(template: Table) -> TextEncoder:
    """One JSON object a line."""
    escape = _replacing(_JSON_ESCAPES)
    style = Style(escape, '"', "null", ("false", "true"), True, _json_label, "}\n")
    return TextEncoder(style, [*template.columns])


def json_array(template: Table) -> TextEncoder:
    """One array with an object a record."""
    escape = _replacing(_JSON_ESCAPES)
    style = Style(
        escape, '"', "null", ("false", "true"), True, _json_label, "}", beginning="[\n", ending="\n]\n", between=",\n"
    )
    return TextEncoder(style, [*template.columns])


def csv_lines(template: Table) -> TextEncoder:
    """CSV as in RFC 4180, but with LF line ends; the first line is a header. Null is nothing, an empty text is `""`.

    A text that a spreadsheet would take for a formula has an apostrophe before it.
    """
    header = _csv(Strings.of([*template.columns])).texts
    style = Style(
        _csv,
        "",
        "",
        ("false", "true"),
        False,
        lambda number, _: "," if number else "",
        "\n",
        beginning=",".join(header) + "\n",
    )
    return TextEncoder(style, [*template.columns])


def sql_inserts(template: Table) -> TextEncoder:
    """An INSERT of standard SQL a record. Backslashes stand for themselves, as in SQLite and PostgreSQL."""
    # Where a database gives all values, it is given them all the same.
    written = [name for name in template.columns if name not in template.generated] or [*template.columns]
    columns = ", ".join(map(_sql_name, written))
    head = f"INSERT INTO {_sql_name(template.entity)} ({columns}) VALUES ("  # noqa: S608 - quoted names
    escape = _replacing({"'": "''"})
    style = Style(escape, "'", "NULL", ("FALSE", "TRUE"), False, lambda number, _: ", " if number else head, ");\n")
    return _SqlEncoder(style, written, frozenset(template.columns) - {*written})


class _SqlEncoder(TextEncoder):
    """Writes lists as arrays of PostgreSQL: `{"a","b"}`."""

    def encode(self, table: Table) -> bytes:
        columns = {
            name: _as_array(column) if name in table.arrays and isinstance(column, Texts) else column
            for name, column in table.columns.items()
        }
        return super().encode(replace(table, columns=columns) if table.arrays else table)


def _as_array(column: Texts) -> Texts:
    texts = ["{" + text[1:-1] + "}" if text.startswith("[") else text for text in column.strings.texts]
    return replace(column, strings=Strings.of(texts))


def _sql_name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
