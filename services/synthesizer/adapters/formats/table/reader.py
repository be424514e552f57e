"""Reads conversations from a table whose rows may lie in any order, in bounded memory.

First, all rows are dealt to files by the hash of their conversation (`deal`). Then each file is read by itself
(`read_dealt`). So memory holds about BUCKET_BYTES of rows; no conversation keeps more than MAX_LINE bytes.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from typing import assert_never
from zlib import crc32

from services.synthesizer.adapters.formats.chats import MIXED_ZONES, MOST_INSTRUCTIONS, MOST_MESSAGES, Chat, said
from services.synthesizer.adapters.formats.fields import BadLine
from services.synthesizer.adapters.formats.records import SourceRecord
from services.synthesizer.adapters.formats.redacting import redact, redacted_id
from services.synthesizer.adapters.formats.table.cells import Open, Row, read_table
from services.synthesizer.adapters.formats.table.columns import (
    Message,
    conversation_of,
    found_columns,
    masked,
    read_message,
)
from services.synthesizer.adapters.formats.times import Moment
from services.synthesizer.imports.model import Author, Problem, TableMapping
from services.synthesizer.imports.sealed import Seal
from services.synthesizer.redaction.redactor import Redaction, Redactor
from shared.limits import MAX_LINE, Budget, TooManyBytes

BUCKET_BYTES = 1 << 20
MOST_BUCKETS = 256
MOST_UNREAD = 100_000
"""Rows that cannot be read; the rest of the file is not read then."""
HIDDEN = "To see the value, add --dry-run and --redact off."
_UNPACKED = "The rows unpack to too many bytes for the size of the file, so the rest was not read; divide the file."


def deal(path: Path, folder: Path, mapping: TableMapping, redaction: Redaction | None, seal: Seal) -> None:
    """Deal the rows of a table to files in the folder: a message or a problem a line, as JSON."""
    budget = Budget(path.stat().st_size)
    buckets = min(MOST_BUCKETS, 1 + path.stat().st_size // BUCKET_BYTES)
    with ExitStack() as files:
        opened = [
            files.enter_context(TextIOWrapper(seal.write(folder / f"{number:03}"), "utf-8"))
            for number in range(buckets)
        ]
        for conversation, dealt in _dealt(partial(seal.read, path), mapping, redaction):
            line = f"{json.dumps(dealt)}\n"
            try:
                budget.spend(len(line))
            except TooManyBytes:
                dealt = _problem(Row(1, BadLine("TABLE_TOO_LARGE", _UNPACKED)), "", partial=True)
                opened[0].write(f"{json.dumps(dealt)}\n")
                break
            opened[crc32(conversation.encode(errors="surrogatepass")) % buckets].write(line)


def _dealt(
    open_file: Open, mapping: TableMapping, redaction: Redaction | None
) -> Iterator[tuple[str, tuple[object, ...]]]:
    """Each row's conversation, "" if it has none, and its message or problem."""
    unread = 0
    try:
        table = read_table(open_file)
        columns = _columns(mapping, table.names, redaction)
        if table.note is not None:
            yield "", _problem(table.note, "", partial=True)
        for row in table.rows:
            external_id = ""
            try:
                if isinstance(row.cells, BadLine):
                    raise row.cells
                external_id = conversation_of(row.cells, columns)
                yield external_id, tuple(read_message(row.line, external_id, row.cells, columns))
            except BadLine as bad:
                told = _told(bad, row, columns, redaction)
                yield external_id, _problem(Row(row.line, told), " The row was left out.", partial=bool(external_id))
                unread += 1
            if unread > MOST_UNREAD:
                sentence = f"More than {MOST_UNREAD:,} rows could not be read, so the rest of the file was not read."
                raise BadLine("TOO_MANY_PROBLEMS", sentence)
    except BadLine as bad:
        yield "", _problem(Row(1, bad), "", partial=False)


def _columns(mapping: TableMapping, names: Sequence[str], redaction: Redaction | None) -> TableMapping:
    """As `found_columns`, but an error quotes no value of a table without a header."""
    try:
        return found_columns(mapping, names)
    except BadLine:
        if redaction is not None:
            found_columns(mapping, [Redactor(redaction).masked(name) for name in names])
        raise


def _told(bad: BadLine, row: Row, columns: TableMapping, redaction: Redaction | None) -> BadLine:
    """The problem with a row, without the values that are redacted."""
    if redaction is not None and not isinstance(row.cells, BadLine):
        try:
            read_message(row.line, "", masked(row.cells, columns, redaction), columns)
        except BadLine as told:
            hidden = "" if told.description == bad.description else f" {HIDDEN}"
            return BadLine(told.reason, f"{told.description}{hidden}")
    return bad  # problems with cells that cannot be read, and with the conversation's id, quote nothing


def _problem(row: Row, left_out: str, *, partial: bool) -> tuple[object, ...]:
    assert isinstance(row.cells, BadLine)
    return row.line, row.cells.reason, row.cells.description + left_out, partial


def read_dealt(file: Path, redaction: Redaction | None, seal: Seal) -> Iterator[SourceRecord | Problem]:
    """The conversations of a file of `deal`, in the order of their first rows, and the problems."""
    conversations: dict[str, _Rows] = {}
    with TextIOWrapper(seal.read(file), "utf-8") as lines:
        for line in lines:
            match json.loads(line):
                case [int(number), str(external_id), str(author), str(text), moment, str(name)]:
                    read = Moment(*moment) if moment else None
                    message = Message(number, external_id, Author(author), text, read, name)
                    conversations.setdefault(external_id, _Rows()).add(message, len(line))
                case [number, reason, description, partial]:
                    yield Problem(number, reason, description, partial=partial)
    for rows in conversations.values():
        yield from rows.read(redaction)


class _Rows:
    """The messages of one conversation."""

    def __init__(self) -> None:
        self._messages: list[Message] = []
        self._size = 0
        self._too_many: Message | None = None

    def add(self, message: Message, size: int) -> None:
        """Keep a message, unless the conversation is too large already."""
        if self._too_many is None and len(self._messages) < MOST_MESSAGES and self._size + size <= MAX_LINE:
            self._messages.append(message)
            self._size += size
        else:
            self._too_many = self._too_many or message

    def read(self, redaction: Redaction | None) -> Iterator[SourceRecord | Problem]:
        """The conversation in the order of time, and the problems with it."""
        first = self._messages[0] if self._messages else self._too_many
        assert first is not None
        chat = Chat(first.line)
        external_id, messages = first.conversation, self._in_order(chat)
        counts: Mapping[str, int] = {}
        try:
            if redaction is not None:
                external_id, messages, counts = _redacted(external_id, messages, redaction)
            if self._too_many is not None:
                chat.line = self._too_many.line
                most = f"{MOST_MESSAGES:,} messages or {MAX_LINE:,} bytes"
                chat.report("TOO_MANY", f"Conversation {external_id!r} has more than {most}; the rest was left out.")
            for message in messages:
                chat.line, chat.at = message.line, message.moment.at if message.moment else None
                with chat.reading("row"):
                    _tell(message, chat)
            record = replace(chat.source(external_id, finished=None), redacted=counts)
        except BadLine as bad:
            yield Problem(first.line, bad.reason, bad.description)
            return
        yield from chat.problems
        yield record

    def _in_order(self, chat: Chat) -> list[Message]:
        """By time; a row without one has that of the row before it. Rows of the same time stay in order."""
        moments = [message.moment for message in self._messages if message.moment is not None]
        if not moments:
            return self._messages
        if len({moment.zoned for moment in moments}) > 1:
            chat.line = self._messages[0].line
            chat.report("MIXED_TIME_ZONES", MIXED_ZONES)
        last, timed = moments[0], []
        for message in self._messages:
            last = message.moment or last
            timed.append(message._replace(moment=last))
        return sorted(timed, key=lambda message: message.moment.at)  # type: ignore[union-attr]  # all have one


def _redacted(
    external_id: str, messages: list[Message], redaction: Redaction
) -> tuple[str, list[Message], Mapping[str, int]]:
    """The id and the messages with pseudonyms, and how many values of which kind were redacted. Raises BadLine."""
    redactor = Redactor(redaction, [message.name for message in messages])
    texts, shown_id = redact(redactor, [[message.text for message in messages], external_id])
    shown = [message._replace(text=text, name="") for message, text in zip(messages, texts, strict=True)]
    return redacted_id(redactor, shown_id, [texts, [one.author for one in shown]]), shown, dict(redactor.counts)


def _tell(message: Message, chat: Chat) -> None:
    match message.author:
        case Author.USER:
            chat.user(said(message.text, "The text"))
        case Author.AGENT:
            chat.agent(said(message.text, "The text"))
        case Author.SYSTEM:
            chat.instruct(said(message.text, "The text", MOST_INSTRUCTIONS), "The row")
        case Author.IGNORED:
            pass
        case _:
            assert_never(message.author)
