"""Appends to streams, and how a group of them runs as a few statements."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

from sqlalchemy import Connection, Dialect, Executable, Insert, Table, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from shared.db.faults import is_unavailable
from shared.db.tables import EventTables
from shared.db.topics import announce, announced, feed_topic, stream_topic
from shared.errors import Aborted, FailedPrecondition, InvalidArgument, NotFound

MAX_PAYLOAD = 640 << 10
"""Bytes of one event's payload. JSON grows most in a message as a list of digits, from 2 bytes each to 11, which is 3.4
MiB here. So every event fits into a message of 4 MiB; readers cut pages and messages by bytes."""


class AppendConflict(Aborted):
    """The event log {stream} grew: its next event is {next_seq}, not {expected}; read it and try again."""

    reason = "APPEND_CONFLICT"


class StreamInterrupted(FailedPrecondition):
    """The event log {stream} was asked to stop; only its closing event can be appended."""

    reason = "STREAM_INTERRUPTED"


class StreamNotFound(NotFound):
    """There is no event log {stream}."""

    reason = "STREAM_NOT_FOUND"


class EventNotStorable(InvalidArgument):
    """An event of {stream} cannot be stored: {why}."""

    reason = "EVENT_NOT_STORABLE"


class NewEvent(NamedTuple):
    """An event to append.

    id: made by the caller, which recognises its own event by it after a lost answer.
    payload: up to MAX_PAYLOAD bytes, which the log does not read.
    """

    id: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Append:
    """Consecutive events of a stream, stored all or none.

    expected: the seq of the first event. The append succeeds only if this is the stream's next seq.
    also: statements of the caller, run in the same transaction if the append succeeds. Keep each in a constant: one
        that several appends of a group share runs as one executemany.
    final: the append closes the stream, so it is allowed on an interrupted stream.
    """

    stream: str
    expected: int
    events: tuple[NewEvent, ...]
    also: tuple[tuple[Executable, Mapping[str, object]], ...] = ()
    final: bool = False

    def __post_init__(self) -> None:
        if not self.events:
            raise ValueError("an append has at least one event")
        for event in self.events:
            check_storable(self.stream, event)


@dataclass(frozen=True, slots=True)
class Write:
    """A statement without an answer. Keep it in a constant: one that several writes share runs as one executemany."""

    statement: Executable
    parameters: Mapping[str, object]


class Appended(NamedTuple):
    """The place of the events in the log.

    first_seq, last_seq: the seqs of the first and last event.
    last_position: the last event's position in the stream's feed; None without a feed.
    interrupted: True if the stream was asked to stop before this append, which is final then.
    """

    first_seq: int
    last_seq: int
    last_position: int | None
    interrupted: bool


def check_storable(stream: str, event: NewEvent) -> None:
    """Check that a database can store the event. Raises EventNotStorable."""
    if not isinstance(event.payload, bytes):
        raise EventNotStorable(stream=stream, why="its payload is not bytes")
    if len(event.payload) > MAX_PAYLOAD:
        raise EventNotStorable(stream=stream, why=f"its {len(event.payload)} bytes are more than {MAX_PAYLOAD}")
    if not isinstance(event.id, str) or not event.id or not event.id.isprintable():
        raise EventNotStorable(stream=stream, why="its id is not printable text")


def now() -> int:
    """Unix microseconds."""
    return time.time_ns() // 1000


def upsert(table: Table, dialect: str) -> sqlite.Insert | postgresql.Insert:
    """The dialect's INSERT, which supports ON CONFLICT."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


@cache
def insert_sql(table: Table, dialect: Dialect) -> str:
    """An INSERT that skips rows that exist, for `exec_driver_sql` with rows of values in the order of the columns.

    With thousands of rows, a statement of SQLAlchemy takes longer than the database.
    """
    return str(
        upsert(table, dialect.name).on_conflict_do_nothing().compile(dialect=dialect, column_keys=table.c.keys())
    )


@cache
def insert_new(table: Table, dialect: str) -> Insert:
    """An INSERT that skips rows that exist, and returns the primary keys of the new rows."""
    return upsert(table, dialect).on_conflict_do_nothing().returning(*table.primary_key)


@dataclass(slots=True)
class _Stream:
    feed: str | None
    next_seq: int
    interrupted: bool


@dataclass(slots=True)
class _Plan:
    """What a group of successful appends writes. feeds: the last position given out, by feed."""

    feeds: dict[str, int]
    rows: list[dict[str, object]] = field(default_factory=list)
    streams: dict[str, int] = field(default_factory=dict)
    also: dict[Executable, list[Mapping[str, object]]] = field(default_factory=dict)


Outcome = Appended | Exception | None
"""The result of an append, what it or a write failed with, or None for a write that succeeded."""
Outcomes = tuple[list[Outcome], set[str]]
"""The outcome of each work of a group, and the topics to notify."""


class Appender:
    """Runs a group of appends and writes inside a transaction that its caller commits."""

    def __init__(self, tables: EventTables, dialect: str) -> None:
        events, streams, feeds = tables.events, tables.streams, tables.feeds
        # Lock rows in one order, or the groups of two replicas could deadlock.
        self._lock_streams = (
            select(streams.c.stream, streams.c.feed, streams.c.next_seq, streams.c.interrupted)
            .where(streams.c.stream.in_(bindparam("names", expanding=True)))
            .order_by(streams.c.stream)
            .with_for_update()
        )
        # One statement increments all feeds of a group, locks them until the commit and returns their heads.
        grow = upsert(feeds, dialect)
        self._grow_feeds = grow.on_conflict_do_update(
            index_elements=[feeds.c.feed], set_={"head": feeds.c.head + grow.excluded.head}
        ).returning(feeds.c.feed, feeds.c.head)
        self._insert = insert_new(events, dialect)
        self._move_stream = (
            update(streams).where(streams.c.stream == bindparam("name")).values(next_seq=bindparam("next"))
        )
        self._stored = (
            select(events.c.id, events.c.position)
            .where(events.c.stream == bindparam("name"), events.c.seq.between(bindparam("first"), bindparam("last")))
            .order_by(events.c.seq)
        )

    def run(self, conn: Connection, works: Sequence[Append | Write], alone: bool) -> Outcomes:
        """Run `alone` or `together`; also returns the topics to notify after the commit."""
        announced(conn)
        outcomes = self.alone(conn, works) if alone else self.together(conn, works)
        return outcomes, announced(conn)

    def together(self, conn: Connection, works: Sequence[Append | Write]) -> list[Outcome]:
        """Append in the given order, then write; a refused append has an exception as its outcome.

        Raises if a statement fails: then roll back conn's transaction, and run `alone` to find out which work it was.
        """
        appends = [work for work in works if isinstance(work, Append)]
        appended = iter(self._append(conn, appends) if appends else ())
        writes: dict[Executable, list[Mapping[str, object]]] = {}
        for work in works:
            if isinstance(work, Write):
                writes.setdefault(work.statement, []).append(work.parameters)
        for statement, parameters in writes.items():
            conn.execute(statement, parameters)
        return [next(appended) if isinstance(work, Append) else None for work in works]

    def alone(self, conn: Connection, works: Sequence[Append | Write]) -> list[Outcome]:
        """Run the works one by one, each in a savepoint. Raises only if the store is unavailable."""
        outcomes: list[Outcome] = []
        for work in works:
            try:
                with conn.begin_nested():
                    outcomes += self.together(conn, [work])
            except Exception as error:
                if is_unavailable(error):
                    raise
                outcomes.append(error)
        return outcomes

    def _append(self, conn: Connection, appends: Sequence[Append]) -> list[Appended | Exception]:
        names = sorted({append.stream for append in appends})
        found = conn.execute(self._lock_streams, {"names": names})
        streams = {row[0]: _Stream(*row[1:]) for row in found}
        successful, refused = _decide(appends, streams)
        outcomes: dict[int, Appended | Exception] = dict(refused)
        if successful:
            outcomes |= self._write(conn, successful, streams)
        # Look for repeated appends after the insert, because the first attempt may be in the same group.
        for index, append in enumerate(appends):
            if index not in outcomes:
                outcomes[index] = self._again(conn, append, streams[append.stream])
        return [outcomes[index] for index in range(len(appends))]

    def _write(
        self, conn: Connection, successful: Mapping[int, Append], streams: Mapping[str, _Stream]
    ) -> dict[int, Appended]:
        plan = _Plan(self._positions(conn, successful.values(), streams))
        appended = {index: _add(plan, append, streams[append.stream]) for index, append in successful.items()}
        stored = conn.execute(self._insert, plan.rows)
        if len(stored.all()) < len(plan.rows):
            raise AppendConflict(stream=plan.rows[0]["stream"], expected=plan.rows[0]["seq"], next_seq="taken")
        conn.execute(self._move_stream, [{"name": name, "next": seq} for name, seq in plan.streams.items()])
        for statement, parameters in plan.also.items():
            conn.execute(statement, parameters)
        announce(conn, *map(stream_topic, plan.streams), *map(feed_topic, plan.feeds))
        return appended

    def _positions(self, conn: Connection, appends: Iterable[Append], streams: Mapping[str, _Stream]) -> dict[str, int]:
        """Reserve the positions that the appends need; by feed, the last position before the reserved ones."""
        counts: Counter[str] = Counter()
        for append in appends:
            if (feed := streams[append.stream].feed) is not None:
                counts[feed] += len(append.events)
        if not counts:
            return {}
        rows = [{"feed": feed, "head": counts[feed]} for feed in sorted(counts)]
        grown = conn.execute(self._grow_feeds, rows)
        return {row[0]: row[1] - counts[row[0]] for row in grown}

    def _again(self, conn: Connection, append: Append, stream: _Stream) -> Appended | Exception:
        """The result of an append whose seqs are taken: success if the stored events are its own."""
        last = append.expected + len(append.events) - 1
        found = conn.execute(self._stored, {"name": append.stream, "first": append.expected, "last": last})
        stored = found.all()
        if [row[0] for row in stored] != [event.id for event in append.events]:
            return AppendConflict(stream=append.stream, expected=append.expected, next_seq=stream.next_seq)
        return Appended(append.expected, last, stored[-1][1], stream.interrupted)


def _decide(
    appends: Iterable[Append], streams: Mapping[str, _Stream]
) -> tuple[dict[int, Append], dict[int, Exception]]:
    """The successful appends of a group by index, and the refused; the rest found their seqs taken."""
    successful: dict[int, Append] = {}
    refused: dict[int, Exception] = {}
    for index, append in enumerate(appends):
        stream = streams.get(append.stream)
        if stream is None:
            refused[index] = StreamNotFound(stream=append.stream)
        elif append.expected != stream.next_seq:
            continue
        elif stream.interrupted and not append.final:
            refused[index] = StreamInterrupted(stream=append.stream)
        else:
            successful[index] = append
            stream.next_seq += len(append.events)
    return successful, refused


def _add(plan: _Plan, append: Append, stream: _Stream) -> Appended:
    """Give each event its seq and position, and add to the plan what to write for it."""
    created = now()
    position = None if stream.feed is None else plan.feeds[stream.feed]
    for seq, event in enumerate(append.events, append.expected):
        if position is not None:
            position += 1
        plan.rows.append(
            {
                "stream": append.stream,
                "seq": seq,
                "id": event.id,
                "feed": stream.feed,
                "position": position,
                "payload": event.payload,
                "create_time": created,
            }
        )
    if stream.feed is not None and position is not None:
        plan.feeds[stream.feed] = position
    plan.streams[append.stream] = stream.next_seq
    for statement, parameters in append.also:
        plan.also.setdefault(statement, []).append(parameters)
    return Appended(append.expected, append.expected + len(append.events) - 1, position, stream.interrupted)
