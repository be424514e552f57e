"""From lines to what is stored: pure functions, run in a process of their own because parsing holds the processor."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from hashlib import sha256
from math import isfinite
from typing import Any, TypeVar

from services.synthesizer.adapters import formats
from services.synthesizer.catalog.lines import MAX_LINE, Line
from services.synthesizer.catalog.records import NewProcedure, NewSource, Problem
from services.synthesizer.conversations.model import MAX_PART
from services.synthesizer.procedure import Procedure, Revision, RevisionState
from shared.model.events import Event, Resource

R = TypeVar("R")

_TOO_LONG = f"The line has more than {MAX_LINE:,} bytes; split it up or leave something out."

MAX_DEPTH = 24
"""Objects and lists within one another at most: a message nests 100 deep at most, an object takes three."""

_TOO_LARGE = f"An event, or the resources together, come to more than {MAX_PART:,} bytes; leave something out."
_LARGE_REVISION = f"The procedure comes to more than {MAX_PART:,} bytes; make its steps or schemas shorter."

Pack = Callable[[Sequence[Event], Sequence[Resource]], bytes]
"""Makes a source's content one document: a line for the resources, then a line an event."""


def parse_sources(pack: Pack, format_name: str, lines: Sequence[Line]) -> list[NewSource | Problem]:
    """The sources of the lines and the problems with them, in the order of the lines."""
    parsed: list[NewSource | Problem] = []
    for number, item in _each(formats.read_sources, format_name, lines):
        if isinstance(item, Problem):
            parsed.append(item)
            continue
        document = pack(item.events, item.resources)
        if max(map(len, document.split(b"\n"))) > MAX_PART:
            parsed.append(Problem(number, "VALUE_NOT_STORABLE", _TOO_LARGE))
            continue
        digest = sha256(document)
        digest.update(b"finished" if item.finished else b"")
        parsed.append(
            NewSource(
                line=number,
                external_id=item.external_id,
                format=format_name,
                finished=item.finished,
                procedure_external_id=item.procedure_external_id,
                event_count=len(item.events),
                resource_count=len(item.resources),
                digest=digest.hexdigest(),
                document=document,
            )
        )
    return parsed


def parse_procedures(format_name: str, lines: Sequence[Line]) -> list[NewProcedure | Problem]:
    """The procedures of the lines and the problems with them, in the order of the lines."""
    parsed: list[NewProcedure | Problem] = []
    for number, item in _each(formats.read_procedures, format_name, lines):
        if isinstance(item, Problem):
            parsed.append(item)
            continue
        size = len(lines[number - lines[0].number].text or b"")
        if size > MAX_PART:
            parsed.append(Problem(number, "REVISION_TOO_LARGE", _LARGE_REVISION))
            continue
        procedure = Procedure("", item.display_name, item.description, item.external_id)
        revision = Revision("", 1, RevisionState.READY, item.instructions, item.steps, item.tools)
        parsed.append(NewProcedure(number, procedure, revision))
    return parsed


def _each(
    read: Callable[[str, Iterable[bytes]], Iterable[R | Problem]], format_name: str, lines: Sequence[Line]
) -> Iterable[tuple[int, R | Problem]]:
    """Read line by line: whether an id was used before is the store's to say, whichever slice its line is in."""
    if not lines:
        for item in read(format_name, ()):
            yield 1, _problem(item, 1)
    for line in lines:
        if line.text is None:
            yield line.number, Problem(line.number, "LINE_TOO_LONG", _TOO_LONG)
            continue
        for item in read(format_name, (line.text,)):
            yield line.number, _problem(item, line.number)


def _problem(item: Any, number: int) -> Any:
    """The item, or the problem that it is or has."""
    if isinstance(item, Problem):
        return replace(item, line=number)
    try:
        unfit = _unfit(asdict(item), MAX_DEPTH)
    except RecursionError:
        unfit = _TOO_DEEP
    return item if unfit is None else Problem(number, "VALUE_NOT_STORABLE", unfit)


_TOO_DEEP = f"The line has objects or lists more than {MAX_DEPTH} deep; make it flatter."


def _unfit(value: Any, depth: int) -> str | None:
    """Why a value, valid JSON though it may be, can be neither stored nor sent; None if it can."""
    if depth < 0:
        return _TOO_DEEP
    match value:
        case str():
            if any("\ud800" <= character <= "\udfff" for character in value):
                return "The line has half a surrogate pair, which is no character; leave it out."
        case int() | float():
            if abs(value) > 1e308 or not isfinite(value):
                return "The line has a number that no double holds; write it as text."
        case Mapping():
            parts = [*value.keys(), *value.values()]
            return next((why for part in parts if (why := _unfit(part, depth - 1)) is not None), None)
        case list() | tuple():
            return next((why for part in value if (why := _unfit(part, depth - 1)) is not None), None)
    return None
