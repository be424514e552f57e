"""Tells the format of a file of sources from its beginning."""

import csv
from collections.abc import Mapping, Sequence

from services.synthesizer.adapters.formats import FORMATS
from services.synthesizer.adapters.formats.fields import BadLine, parsed
from services.synthesizer.adapters.formats.table.cells import names_in
from services.synthesizer.adapters.formats.table.columns import found_columns
from services.synthesizer.imports.errors import FormatNotDetected
from services.synthesizer.imports.model import TableMapping
from services.synthesizer.imports.tables import TABLE
from shared.model.events import Json
from shared.words import any_of

_LINES = 100
"""Lines to look at: a file may begin with bad ones."""


def detect(begin: bytes, mapping: TableMapping) -> str:
    """The name of the format of a file that begins with these bytes. Raises FormatNotDetected.

    mapping: only tables have one.
    """
    if not begin.strip():
        return next(iter(FORMATS))  # says that the file is empty
    if mapping != TableMapping() or begin.startswith(b"PAR1"):
        return TABLE
    found = next(filter(None, map(_of_line, begin.split(b"\n")[:_LINES])), None)
    if found is None and not begin.lstrip().startswith((b"{", b"[")) and _is_table(_names(begin)):
        found = TABLE
    if found is None:
        raise FormatNotDetected(known=any_of((*FORMATS, TABLE)))
    return found


def _of_line(line: bytes) -> str | None:
    try:
        record = parsed(line)
    except BadLine:
        return None
    return next((name for name, readers in FORMATS.items() if readers.recognises(record)), _as_row(record))


def _as_row(record: Mapping[str, Json]) -> str | None:
    return TABLE if _is_table(list(record)) else None


def _names(begin: bytes) -> list[str]:
    try:
        return names_in(begin)
    except csv.Error:
        return []


def _is_table(names: Sequence[str]) -> bool:
    try:
        found_columns(TableMapping(), names)
    except BadLine:
        return False
    return True
