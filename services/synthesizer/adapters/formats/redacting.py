"""Redacts the lines of any format before it reads them, so that no record and no problem has personal data."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

from services.synthesizer.adapters.formats.chats import digest
from services.synthesizer.adapters.formats.fields import BadLine, ReadLine
from services.synthesizer.adapters.formats.records import ProcedureRecord, SourceRecord
from services.synthesizer.imports.model import Problem
from services.synthesizer.redaction.redactor import Redaction, Redactor
from shared.model.events import Json
from shared.model.work_budget import TooMuchWork

R = TypeVar("R", SourceRecord, ProcedureRecord)
Names = Callable[[Mapping[str, Json]], Iterable[str]]
"""(a line's object) → the names of the people who speak in it."""


def redacting(read: ReadLine[R], names: Names, redaction: Redaction) -> ReadLine[R]:
    """The reader of the redacted line."""

    def read_redacted(record: Mapping[str, Json], line: int) -> Iterator[R | Problem]:
        redactor = Redactor(redaction, names(record))
        redacted = redact(redactor, dict(sorted(record.items(), key=_order)))
        for item in read(redacted, line):
            if not isinstance(item, Problem):
                item = replace(item, redacted=dict(redactor.counts))
                item = replace(item, external_id=redacted_id(redactor, item.external_id, redacted))
            yield item

    return read_redacted


def _order(member: tuple[str, Json]) -> tuple[bool, bool]:
    """System texts first, then the conversation: so equal system texts have equal pseudonyms in all conversations."""
    name, value = member
    return name != "system", not isinstance(value, list)


def redact(redactor: Redactor, value: Json) -> Json:
    """The value with pseudonyms. Raises BadLine."""
    try:
        return redactor.redact(value)
    except RecursionError:
        raise BadLine("VALUE_NOT_STORABLE", "The line has objects or lists that are nested too deeply.") from None
    except TooMuchWork:
        sentence = "To redact the line with these patterns takes too long; make it shorter, or the patterns simpler."
        raise BadLine("TOO_MUCH_WORK", sentence) from None


def redacted_id(redactor: Redactor, external_id: str, content: Json) -> str:
    """The id, or, as pseudonyms repeat in other conversations, a digest of the redacted content if it has one."""
    return digest(content) if redactor.has_pseudonym(external_id) else external_id
