"""Reads the cells of a row as a message."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from math import isfinite
from typing import Any, NamedTuple

from services.synthesizer.adapters.formats.fields import BadLine
from services.synthesizer.adapters.formats.table.cells import Cells
from services.synthesizer.adapters.formats.times import Moment, read_time
from services.synthesizer.imports.model import Author, TableMapping
from services.synthesizer.redaction.redactor import Redaction, Redactor
from shared.words import all_of

USUAL: Mapping[str, Sequence[str]] = {
    "conversation": (
        *("conversation_id", "conversation", "dialogue_id", "dialog_id", "chat_id", "thread_id", "ticket_id"),
        *("session_id", "case_id", "chat", "thread", "ticket", "session"),
    ),
    "author": ("author", "role", "sender", "from", "speaker", "author_type", "sender_type", "participant"),
    "time": ("time", "timestamp", "created_at", "sent_at", "datetime", "date", "created"),
    "text": ("text", "message", "content", "body", "utterance"),
}
"""The usual names of columns, the first that is there wins; compared in small letters, with `_` for spaces."""
_AUTHORS: Mapping[str, Author] = {
    **dict.fromkeys(("user", "customer", "client", "human", "visitor", "caller", "consumer"), Author.USER),
    **dict.fromkeys(("agent", "assistant", "bot", "ai", "support", "operator", "representative"), Author.AGENT),
    **dict.fromkeys(("system", "developer"), Author.SYSTEM),
}
EVERY_OTHER = "*"
_LONGEST_ID = 256


class Message(NamedTuple):
    """A message of a table. moment: None if the row has no time. name: what the row says about its author."""

    line: int
    conversation: str
    author: Author
    text: str
    moment: Moment | None
    name: str


def found_columns(mapping: TableMapping, names: Sequence[str]) -> TableMapping:
    """The mapping with the names of the columns that the table has; "" for times that it does not have.

    Raises BadLine.
    """
    by_usual = {name.strip().lower().replace(" ", "_").replace("-", "_"): name for name in reversed(names)}
    found: dict[str, str] = {}
    missing: list[str] = []
    for what, usual in USUAL.items():
        wanted: str = getattr(mapping, what)
        if wanted and wanted not in names:
            raise BadLine("NO_COLUMN", f"The table has no column {wanted!r}; it has {_listed(names)}.")
        found[what] = wanted or next((by_usual[name] for name in usual if name in by_usual), "")
        if not found[what] and what != "time":
            missing.append(what)
    if missing:
        which = " ".join(f"--column {what}=NAME" for what in missing)
        sentence = f"No column has a usual name of the {all_of(missing)}; add {which}. There are {_listed(names)}."
        raise BadLine("NO_COLUMN", sentence)
    return replace(mapping, **found)  # type: ignore[arg-type]  # a mapping of names


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name[:40]) for name in names[:20]) or "none"


def conversation_of(cells: Cells, columns: TableMapping) -> str:
    """The id of the row's conversation. Raises BadLine."""
    external_id = _text(cells.get(columns.conversation)).strip()
    if not external_id:
        raise BadLine("MISSING_FIELD", f"{columns.conversation} is empty; it should be the id of a conversation.")
    if len(external_id) > _LONGEST_ID:
        sentence = f"{columns.conversation} has {len(external_id):,} characters; up to {_LONGEST_ID} are allowed."
        raise BadLine("TOO_LONG", sentence)
    return external_id


def read_message(line: int, conversation: str, cells: Cells, columns: TableMapping) -> Message:
    """The message of a row. Raises BadLine."""
    name = _text(cells.get(columns.author)).strip()
    author = _author(name, columns)
    at = _text(cells.get(columns.time)).strip() if columns.time else ""
    moment = read_time(at, columns.time_format, columns.time) if at else None
    return Message(line, conversation, author, _text(cells.get(columns.text)), moment, name)


def masked(cells: Cells, columns: TableMapping, redaction: Redaction) -> Cells:
    """The cells that problems quote, with `[email]` and so on for what is redacted."""
    texts = {name: _text(cells.get(name)) for name in (columns.author, columns.time)}
    redactor = Redactor(redaction, [texts[columns.author]])
    return {name: redactor.masked(text) for name, text in texts.items()}


def _author(value: str, columns: TableMapping) -> Author:
    known = {**_AUTHORS, **columns.authors}
    author = known.get(value.lower()) or known.get(EVERY_OTHER)
    if author is None:
        known_ones = "user, agent, system or ignore"
        sentence = f"{columns.author} {value[:80]!r} is unknown; map it with --author VALUE=ROLE, to {known_ones}."
        raise BadLine("UNKNOWN_AUTHOR", sentence)
    return author


def _text(cell: Any) -> str:
    match cell:
        case None:
            return ""
        case str():
            return cell
        case datetime() | date():
            return cell.isoformat()
        case bytes():
            return cell.decode(errors="replace")
        case float() if not isfinite(cell):
            return ""
        case int() | float():
            # Columns of whole numbers with gaps are often stored as floats.
            return str(int(cell) if cell == int(cell) else cell)
        case _:
            return ""
