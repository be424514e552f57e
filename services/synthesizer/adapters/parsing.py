"""Parses lines into records and writes records as lines: pure functions that run in another process."""

import json
import pickle
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from services.synthesizer.adapters import formats
from services.synthesizer.adapters.formats.fields import ReadLine, read_line, read_lines
from services.synthesizer.adapters.formats.greenroom import write_procedure, write_source
from services.synthesizer.adapters.formats.recordings import read_recording, write_recording
from services.synthesizer.adapters.formats.records import ProcedureRecord, ResourceRecord, SourceRecord
from services.synthesizer.adapters.formats.table.reader import read_dealt
from services.synthesizer.conversations.model import MAX_PART
from services.synthesizer.imports.errors import UnknownFormat
from services.synthesizer.imports.lines import Lines
from services.synthesizer.imports.model import Problem, Record
from services.synthesizer.imports.sealed import Seal
from services.synthesizer.imports.tables import TABLE
from services.synthesizer.inference.inferring import infer
from services.synthesizer.inference.model import Inferred
from services.synthesizer.inference.observing import Observations
from services.synthesizer.personas.model import NewPersona
from services.synthesizer.procedures.model import MAX_REVISION, NewProcedure, Procedure, Revision, RevisionState
from services.synthesizer.recordings.model import NewRecording, StoredCall
from services.synthesizer.redaction.redactor import Redaction
from services.synthesizer.resource_sets.model import NewResource
from services.synthesizer.sources.documents import (
    pack_source,
    shorten_source,
    unpack_source_events,
    unpack_source_resources,
)
from services.synthesizer.sources.model import ExportedSource, NewSource
from services.synthesizer.sources.transcripts import Texts, Transcript
from shared.limits import MAX_LINE
from shared.model.events import AgentMessage, Event, UserMessage

R = TypeVar("R", bound=Record)

_TOO_LONG = f"The line has more than {MAX_LINE:,} bytes; make it shorter."

MAX_DEPTH = 24
"""The deepest nesting of objects and lists: a message may be nested 100 deep, and an object takes three levels."""

_TOO_LARGE = f"An event, or the resources together, have more than {MAX_PART:,} bytes; make them shorter."
_LARGE_REVISION = f"The procedure has more than {MAX_REVISION:,} bytes; make its steps or schemas shorter."
_LARGE_RESOURCE = f"The resource has more than {MAX_PART:,} bytes; leave out what no conversation needs."


def parse_sources(
    open_since: int, redaction: Redaction | None, format_name: str, lines: Lines
) -> list[NewSource | Problem]:
    """The sources in the lines, and the problems, in the order of the lines.

    open_since: Unix milliseconds; a conversation with a newer message is not finished, unless the file says so.
    """
    made = _NewSources(format_name, open_since)
    return [
        item if isinstance(item, Problem) else made.of(item, number)
        for number, item in _each(formats.source_reader(format_name, redaction), lines)
    ]


def parse_dealt(open_since: int, redaction: Redaction | None, file: Path, seal: Seal) -> list[NewSource | Problem]:
    """The sources in a file of rows that `deal` wrote, in the order of their first rows, and the problems."""
    made = _NewSources(TABLE, open_since)
    return [
        item if isinstance(item, Problem) else made.of(item, item.line)
        for item in (_problem(item, item.line) for item in read_dealt(file, redaction, seal))
    ]


class _NewSources:
    """Makes sources that can be stored. Those with the same instructions and tools share one procedure."""

    def __init__(self, format_name: str, open_since: int) -> None:
        self._format = format_name
        self._open_since = open_since
        self._procedures: dict[str, NewProcedure] = {}

    def of(self, record: SourceRecord, line: int) -> NewSource | Problem:
        """The source in a record of this line."""
        procedure = None
        if record.procedure is not None and (procedure := self._procedures.get(record.procedure.external_id)) is None:
            if (unfit := _unfit(record.procedure, MAX_DEPTH - 1)) is not None:
                return Problem(line, "VALUE_NOT_STORABLE", unfit)
            procedure = self._procedures[record.procedure.external_id] = _new_procedure(record.procedure, line)
        packed = pack_source(record.transcript, record.resources)
        if len(packed) > MAX_PART and max(map(len, packed.split(b"\n"))) > MAX_PART:
            return Problem(line, "VALUE_NOT_STORABLE", _TOO_LARGE)
        digest = sha256(packed)
        digest.update(b"" if record.finished is False else b"finished")
        finished = record.transcript[-1].at <= self._open_since if record.finished is None else record.finished
        return NewSource(
            line=line,
            external_id=record.external_id,
            format=self._format,
            finished=finished,
            procedure_external_id=record.procedure_external_id,
            event_count=len(record.transcript),
            resource_count=len(record.resources),
            digest=digest.hexdigest(),
            document=shorten_source(packed, record.transcript),
            redacted=record.redacted,
            procedure=procedure,
        )


def observe_sources(seen: bytes, new: Sequence[NewSource]) -> bytes:
    """What was seen in conversations so far and in these. seen: of an earlier call; empty at first."""
    observations = _unpacked(seen)
    for one in new:
        revision = None if one.procedure is None else one.procedure.revision
        instructions, tools = ("", ()) if revision is None else (revision.instructions, revision.tools)
        observations.add(unpack_source_events(one.document), instructions, tools)
    return pickle.dumps(observations)


def infer_rehearsal(seen: bytes) -> Inferred:
    """What the conversations show that `observe_sources` has seen."""
    return infer(_unpacked(seen))


def _unpacked(seen: bytes) -> Observations:
    return pickle.loads(seen) if seen else Observations()  # noqa: S301 - packed above


def parse_procedures(redaction: Redaction | None, format_name: str, lines: Lines) -> list[NewProcedure | Problem]:
    """The procedures in the lines, and the problems, in the order of the lines."""
    parsed: list[NewProcedure | Problem] = []
    for number, item in _each(formats.procedure_reader(format_name, redaction), lines):
        if isinstance(item, Problem):
            parsed.append(item)
            continue
        size = len(lines.texts[number - lines.first] or b"")
        if size > MAX_REVISION:
            parsed.append(Problem(number, "REVISION_TOO_LARGE", _LARGE_REVISION))
            continue
        parsed.append(_new_procedure(item, number))
    return parsed


def _new_procedure(record: ProcedureRecord, line: int) -> NewProcedure:
    procedure = Procedure("", record.display_name, record.description, record.external_id)
    revision = Revision("", 1, RevisionState.READY, record.instructions, record.steps, record.tools)
    revision = replace(revision, expectations=record.expectations, domain=record.domain)
    return NewProcedure(line, procedure, revision, record.redacted)


def parse_personas(format_name: str, lines: Lines) -> list[NewPersona | Problem]:
    """The personas in the lines, and the problems, in the order of the lines."""
    return [
        item if isinstance(item, Problem) else replace(item, line=number)
        for number, item in _each(formats.persona_reader(format_name), lines)
    ]


def parse_resources(format_name: str, lines: Lines) -> list[NewResource | Problem]:
    """The resources in the lines, and the problems, in the order of the lines."""
    return [
        item if isinstance(item, Problem) else _new_resource(item, number)
        for number, item in _each(formats.RESOURCE_FORMATS[format_name], lines)
    ]


def _new_resource(record: ResourceRecord, line: int) -> NewResource | Problem:
    resource = record.resource
    document = json.dumps(resource.data, ensure_ascii=False, separators=(",", ":")).encode()
    if len(document) > MAX_PART:
        return Problem(line, "VALUE_NOT_STORABLE", _LARGE_RESOURCE)
    return NewResource(line, resource.type, resource.id, document)


def parse_recordings(format_name: str, lines: Lines) -> list[NewRecording | Problem]:
    """The recordings in the lines, and the problems, in the order of the lines."""
    if format_name != "greenroom":
        raise UnknownFormat(format=repr(format_name), known="greenroom for recordings")
    return [item for _, item in _each(read_recording, lines)]


def _each(read: ReadLine[R], lines: Lines) -> Iterable[tuple[int, R | Problem]]:
    """Read each line by itself; the store finds ids that are used twice."""
    if not lines.texts:
        for item in read_lines(read, ()):
            yield 1, item
    for number, text in lines.numbered():
        if text is None:
            yield number, Problem(number, "LINE_TOO_LONG", _TOO_LONG)
            continue
        for item in read_line(read, text, number):
            yield number, _problem(item, number)


def _problem(item: Any, number: int) -> Any:
    """The item, or the problem with it."""
    if isinstance(item, Problem):
        return item
    unfit = _unfit_source(item) if isinstance(item, SourceRecord) else _unfit(item, MAX_DEPTH)
    return item if unfit is None else Problem(number, "VALUE_NOT_STORABLE", unfit)


_HALF_PAIR = "The line has half a surrogate pair, which is not a character; remove it."
_TOO_GREAT = "The line has a number too large for a double; write it as text."
_TOO_DEEP = f"The line has objects or lists more than {MAX_DEPTH} deep; make it flatter."


def _unfit_source(record: SourceRecord) -> str | None:
    """As `_unfit`, but without a look at the procedure, which many sources share."""
    for text in (record.external_id, record.procedure_external_id):
        if not text.isascii() and not _is_unicode(text):
            return _HALF_PAIR
    why = None if isinstance(record.transcript, Texts) else _unfit_events(record.transcript)
    return why or (_unfit(record.resources, MAX_DEPTH - 1) if record.resources else None)


def _unfit_events(events: Sequence[Event]) -> str | None:
    if isinstance(events, Transcript):
        values = (_unfit(body, MAX_DEPTH - 3) for body in events.bodies())
    else:
        values = (_unfit(event, MAX_DEPTH - 2) for event in events)
    return next((why for why in values if why is not None), None)


def _unfit(value: Any, depth: int) -> str | None:
    """Why a record, or a valid JSON value, can be neither stored nor sent, or None."""
    try:
        return _first_unfit(value, depth)
    except RecursionError:
        return _TOO_DEEP


def _first_unfit(value: Any, depth: int) -> str | None:
    if depth < 0:
        return _TOO_DEEP
    if isinstance(value, Event) and isinstance(value.body, UserMessage | AgentMessage):
        return None  # its text is checked when it is read
    if isinstance(value, str):
        return None if value.isascii() or _is_unicode(value) else _HALF_PAIR
    if isinstance(value, int | float):
        return None if -1e308 <= value <= 1e308 else _TOO_GREAT
    if isinstance(value, Mapping):
        parts: Sequence[Any] = (*value.keys(), *value.values())
    elif isinstance(value, list | tuple):
        parts = value
    else:
        parts = [getattr(value, name) for name in getattr(value, "__dataclass_fields__", ())]
    if parts and depth == 0:
        return _TOO_DEEP
    # Most parts are plain texts; a call for each takes longer than reading the file.
    for part in parts:
        if part and not (part.__class__ is str and part.isascii()) and (why := _first_unfit(part, depth - 1)):
            return why
    return None


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def write_sources(sources: Sequence[ExportedSource]) -> list[bytes]:
    """One line of the format `greenroom` per source."""
    return [
        write_source(source, unpack_source_events(source.document), unpack_source_resources(source.document))
        for source in sources
    ]


def write_recordings(recordings: Sequence[StoredCall]) -> list[bytes]:
    """One line per recording."""
    return [write_recording(recording) for recording in recordings]


def write_procedures(procedures: Sequence[tuple[Procedure, Revision]]) -> list[bytes]:
    """One line of the format `greenroom` per procedure."""
    return [write_procedure(procedure, revision) for procedure, revision in procedures]
