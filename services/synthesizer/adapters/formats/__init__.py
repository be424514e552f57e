"""File formats of sources and procedures: pure functions over lines, so that they can run in another process.

A format is one file or package here and one line in `FORMATS`. A line that cannot be read becomes a Problem.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from services.synthesizer.adapters.formats import greenroom, openai, sharegpt, tau2
from services.synthesizer.adapters.formats.abcd import reader as abcd
from services.synthesizer.adapters.formats.fields import ReadLine, read_lines
from services.synthesizer.adapters.formats.records import ProcedureRecord, ResourceRecord, SourceRecord
from services.synthesizer.adapters.formats.redacting import Names, redacting
from services.synthesizer.adapters.formats.star import reader as star
from services.synthesizer.imports.errors import UnknownFormat
from services.synthesizer.imports.model import Problem
from services.synthesizer.personas.model import NewPersona
from services.synthesizer.redaction.names import told_names
from services.synthesizer.redaction.redactor import Redaction
from shared.model.events import Json
from shared.words import any_of


def _nobody(_record: Mapping[str, Json]) -> tuple[str, ...]:
    return ()


class Readers(NamedTuple):
    """The functions that read a line as a source and as a procedure, and that tell whether an object is a source.

    names: those of the people who speak in an object, if the format has them.
    """

    source: ReadLine[SourceRecord]
    procedure: ReadLine[ProcedureRecord]
    recognises: Callable[[Mapping[str, Json]], bool]
    names: Names = _nobody


FORMATS: Mapping[str, Readers] = {
    "greenroom": Readers(greenroom.read_source, greenroom.read_procedure, greenroom.recognises, told_names),
    "abcd": Readers(abcd.read_source, abcd.read_procedure, abcd.recognises),
    "star": Readers(star.read_source, star.read_procedure, star.recognises, told_names),
    "tau2": Readers(tau2.read_source, tau2.read_procedure, tau2.recognises, told_names),
    "openai": Readers(openai.read_source, openai.read_procedure, openai.recognises, openai.names),
    "sharegpt": Readers(sharegpt.read_source, sharegpt.read_procedure, sharegpt.recognises, sharegpt.names),
}


RESOURCE_FORMATS: Mapping[str, ReadLine[ResourceRecord]] = {
    "greenroom": greenroom.read_resource,
    "tau2": tau2.read_resource,
}
"""The formats of resource sets."""


PERSONA_FORMATS: Mapping[str, ReadLine[NewPersona]] = {"tau2": tau2.read_persona}
"""The formats of personas."""


def persona_reader(format_name: str) -> ReadLine[NewPersona]:
    """Reads a line as personas. Raises UnknownFormat."""
    if format_name not in PERSONA_FORMATS:
        raise UnknownFormat(format=repr(format_name), known=f"{any_of(PERSONA_FORMATS)} for personas")
    return PERSONA_FORMATS[format_name]


def read_personas(format_name: str, lines: Iterable[bytes]) -> Iterator[NewPersona | Problem]:
    """The personas in the lines, and the problems, in the order of the lines. Raises UnknownFormat."""
    return read_lines(persona_reader(format_name), lines)


def read_resources(format_name: str, lines: Iterable[bytes]) -> Iterator[ResourceRecord | Problem]:
    """The resources in the lines, and the problems, in the order of the lines."""
    return read_lines(RESOURCE_FORMATS[format_name], lines)


def source_reader(format_name: str, redaction: Redaction | None) -> ReadLine[SourceRecord]:
    """Reads a line as sources. Raises UnknownFormat."""
    readers = _format(format_name)
    return readers.source if redaction is None else redacting(readers.source, readers.names, redaction)


def procedure_reader(format_name: str, redaction: Redaction | None) -> ReadLine[ProcedureRecord]:
    """Reads a line as procedures. Raises UnknownFormat."""
    readers = _format(format_name)
    return readers.procedure if redaction is None else redacting(readers.procedure, readers.names, redaction)


def read_sources(
    format_name: str, lines: Iterable[bytes], redaction: Redaction | None = None
) -> Iterator[SourceRecord | Problem]:
    """The sources in the lines, and the problems, in the order of the lines. Raises UnknownFormat."""
    return read_lines(source_reader(format_name, redaction), lines)


def read_procedures(
    format_name: str, lines: Iterable[bytes], redaction: Redaction | None = None
) -> Iterator[ProcedureRecord | Problem]:
    """The procedures in the lines, and the problems, in the order of the lines. Raises UnknownFormat."""
    return read_lines(procedure_reader(format_name, redaction), lines)


def _format(name: str) -> Readers:
    if name not in FORMATS:
        raise UnknownFormat(format=repr(name), known=any_of(FORMATS))
    return FORMATS[name]
