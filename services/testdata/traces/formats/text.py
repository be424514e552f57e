"""JSONL and CSV: one line per call."""

import json
from collections.abc import Callable
from typing import assert_never

from services.testdata.traces.formats.records import How, Part, Records
from services.testdata.traces.generation.chain import Chain
from services.testdata.traces.schema import COLUMNS, NAMES, Column, Kind


def json_lines(chain: Chain) -> Records:
    """One JSON object per line."""

    def label(column: Column) -> str:
        return f'{"," if column.field > 1 else "{"}"{column.name}":'

    return Records(_parts(chain, label, lambda text: json.dumps(text, ensure_ascii=False), '"'), end=b"}\n")


def csv_lines(chain: Chain) -> Records:
    """CSV as in RFC 4180, but with LF line ends; the first line is a header."""
    parts = _parts(chain, lambda column: "," if column.field > 1 else "", _quoted, "")
    return Records(parts, header=",".join(NAMES).encode() + b"\n", end=b"\n")


def _parts(chain: Chain, label: Callable[[Column], str], quote: Callable[[str], str], time_quote: str) -> list[Part]:
    """The parts of a line.

    label: the text before a value. quote: a text as a value. time_quote: around a time.
    """
    parts, after = [], ""
    for column in COLUMNS:
        before, after = after + label(column), ""
        match column.kind:
            case Kind.TEXT:
                parts.append(Part(column, How.TEXT, [(before + quote(t)).encode() for t in column.texts_of(chain)]))
            case Kind.TIME:
                parts.append(Part(column, How.TIME, [(before + time_quote).encode()]))
                after = time_quote
            case Kind.NUMBER:
                parts.append(Part(column, How.NUMBER, [before.encode()]))
            case Kind.DECIMAL:
                parts.append(Part(column, How.DECIMAL, [before.encode()]))
            case _:
                assert_never(column.kind)
    return parts


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\r\n') else text
