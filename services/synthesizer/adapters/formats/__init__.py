"""File formats of source conversations and procedures: pure readers over lines, fit to run in another process.

A format is one file here and one line in `FORMATS`. A reader never fails: what it cannot read becomes a Problem.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from services.synthesizer.adapters.formats import abcd, greenroom
from services.synthesizer.adapters.formats.lines import ReadLine, read_lines
from services.synthesizer.adapters.formats.records import ProcedureRecord, SourceRecord
from services.synthesizer.catalog.errors import UnknownFormat
from services.synthesizer.catalog.records import Problem


class Format(NamedTuple):
    """How a line becomes a source, and how a line becomes a procedure."""

    source: ReadLine[SourceRecord]
    procedure: ReadLine[ProcedureRecord]


FORMATS: Mapping[str, Format] = {
    "greenroom": Format(greenroom.read_source, greenroom.read_procedure),
    "abcd": Format(abcd.read_source, abcd.read_procedure),
}


def read_sources(format_name: str, lines: Iterable[bytes]) -> Iterator[SourceRecord | Problem]:
    """The sources of a file's lines, and its problems, in the order of the lines. Raises UnknownFormat."""
    return read_lines(_format(format_name).source, lines)


def read_procedures(format_name: str, lines: Iterable[bytes]) -> Iterator[ProcedureRecord | Problem]:
    """The procedures of a file's lines, and its problems, in the order of the lines. Raises UnknownFormat."""
    return read_lines(_format(format_name).procedure, lines)


def _format(name: str) -> Format:
    if name not in FORMATS:
        raise UnknownFormat(format=repr(name), known=" and ".join(FORMATS))
    return FORMATS[name]
