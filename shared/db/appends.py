"""Appending to streams: what one append is, and how a whole group of them becomes a handful of statements."""

import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import Connection, Executable, Insert, Table, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from shared.db.faults import is_unavailable
from shared.db.tables import EventTables
from shared.db.topics import announce, feed_topic, stream_topic
from shared.errors import Aborted, FailedPrecondition, InvalidArgument, NotFound

MAX_PAYLOAD = 640 << 10
"""Bytes of one event's payload. The JSON that grows most in a message is a list of digits, from 2 bytes each to 11: so
every event fits into the 4 MiB of a message, and readers cut their pages and messages by bytes."""


class AppendConflict(Aborted):
    """The event log {stream} went on meanwhile: event {expected} was to be its next, but that is {next_seq}."""

    reason = "APPEND_CONFLICT"


class StreamInterrupted(FailedPrecondition):
    """The event log {stream} was asked to stop and takes only its closing event."""

    reason = "STREAM_INTERRUPTED"


class StreamNotFound(NotFound):
    """There is no event log {stream}."""

    reason = "STREAM_NOT_FOUND"


class EventNotStorable(InvalidArgument):
    """An event of {stream} cannot be stored: {why}."""

    reason = "EVENT_NOT_STORABLE"


class NewEvent(NamedTuple):
    """An event to be appended.

    id: made by the caller, so that it knows its own event again after a lost answer.
    payload: up to MAX_PAYLOAD bytes, opaque to the log.
    """

    id: str
    payload: bytes


class Constant:
    """A statement that is a constant of a module:

        GOES_ON = Constant(__name__, update(...))

    By its name another process finds it, for pickle writes it as a reference.
    """

    def __init__(self, module: str, statement: Executable) -> None:
        self.__module__ = module
        self.statement = statement

    def __reduce__(self) -> str:
        return next(name for name, value in vars(sys.modules[self.__module__]).items() if value is self)


@dataclass(frozen=True, slots=True)
class Append:
    """Events that follow one another in a stream, all or none.

    expected: the seq that the first of them gets; the append wins only if the stream's next seq is this.
    also: statements of the caller's own, run in the same transaction if the append wins. Appends that are committed
        together run a statement that they share as one executemany, so let different ones not depend on each other's
        order across streams.
    final: the append closes the stream, so an interrupted stream takes it too.
    """

    stream: str
    expected: int
    events: tuple[NewEvent, ...]
    also: tuple[tuple[Constant, Mapping[str, object]], ...] = ()
    final: bool = False

    def __post_init__(self) -> None:
        if not self.events:
            raise ValueError("an append has at least one event")
        for event in self.events:
            check_storable(self.stream, event)


class Appended(NamedTuple):
    """Where the events stand.

    first_seq, last_seq: their seqs, both inclusive.
    last_position: the last one's position in the stream's feed; None without a feed.
    interrupted: the stream was asked to stop before this (then final) append.
    """

    first_seq: int
    last_seq: int
    last_position: int | None
    interrupted: bool


def check_storable(stream: str, event: NewEvent) -> None:
    """Refuse what a database would choke on; raises EventNotStorable."""
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
    """The dialect's INSERT, which has the same ON CONFLICT clauses on both."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def insert_new(table: Table, dialect: str) -> Insert:
    """An INSERT that skips rows that exist already and returns the primary keys of those that did not."""
    return upsert(table, dialect).on_conflict_do_nothing().returning(*table.primary_key)


@dataclass(slots=True)
class _Stream:
    feed: str | None
    next_seq: int
    interrupted: bool


@dataclass(slots=True)
class _Plan:
    """What a group writes, collected from its winners: feeds has each feed's last position that is given out."""

    feeds: dict[str, int]
    rows: list[dict[str, object]] = field(default_factory=list)
    streams: dict[str, int] = field(default_factory=dict)
    also: dict[Constant, list[Mapping[str, object]]] = field(default_factory=dict)


class Appender:
    """Runs a group of appends inside a transaction that its caller commits."""

    def __init__(self, tables: EventTables, dialect: str) -> None:
        events, streams, feeds = tables.events, tables.streams, tables.feeds
        # Rows are locked in one order, or two replicas' groups could wait for each other.
        self._lock_streams = (
            select(streams.c.stream, streams.c.feed, streams.c.next_seq, streams.c.interrupted)
            .where(streams.c.stream.in_(bindparam("names", expanding=True)))
            .order_by(streams.c.stream)
            .with_for_update()
        )
        # Counts a feed up, locks it until the commit and says where it stands: one statement for all feeds of a group.
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

    def together(self, conn: Connection, appends: Sequence[Append]) -> list[Appended | Exception]:
        """Append in the given order; an append that is refused is an exception in its place.

        Raises if a statement fails: then conn's transaction is to be rolled back, and `alone` finds out whose it was.
        """
        names = sorted({append.stream for append in appends})
        found = conn.execute(self._lock_streams, {"names": names})
        streams = {row[0]: _Stream(*row[1:]) for row in found}
        winners, refused = _decide(appends, streams)
        outcomes: dict[int, Appended | Exception] = dict(refused)
        if winners:
            outcomes |= self._write(conn, winners, streams)
        # Only now, since a repeated append may have its first sending in this very group.
        for index, append in enumerate(appends):
            if index not in outcomes:
                outcomes[index] = self._again(conn, append, streams[append.stream])
        return [outcomes[index] for index in range(len(appends))]

    def alone(self, conn: Connection, appends: Sequence[Append]) -> list[Appended | Exception]:
        """Append one by one, each in a savepoint; raises only if the store is unavailable."""
        outcomes: list[Appended | Exception] = []
        for append in appends:
            try:
                with conn.begin_nested():
                    outcomes += self.together(conn, [append])
            except Exception as error:
                if is_unavailable(error):
                    raise
                outcomes.append(error)
        return outcomes

    def _write(
        self, conn: Connection, winners: Mapping[int, Append], streams: Mapping[str, _Stream]
    ) -> dict[int, Appended]:
        plan = _Plan(self._positions(conn, winners.values(), streams))
        appended = {index: _place(plan, append, streams[append.stream]) for index, append in winners.items()}
        stored = conn.execute(self._insert, plan.rows)
        if len(stored.all()) < len(plan.rows):
            raise AppendConflict(stream=plan.rows[0]["stream"], expected=plan.rows[0]["seq"], next_seq="taken")
        conn.execute(self._move_stream, [{"name": name, "next": seq} for name, seq in plan.streams.items()])
        for constant, parameters in plan.also.items():
            conn.execute(constant.statement, parameters)
        announce(conn, *map(stream_topic, plan.streams), *map(feed_topic, plan.feeds))
        return appended

    def _positions(self, conn: Connection, winners: Iterable[Append], streams: Mapping[str, _Stream]) -> dict[str, int]:
        """Take as many positions in each feed as the winners need; the last one before them."""
        counts: Counter[str] = Counter()
        for append in winners:
            if (feed := streams[append.stream].feed) is not None:
                counts[feed] += len(append.events)
        if not counts:
            return {}
        rows = [{"feed": feed, "head": counts[feed]} for feed in sorted(counts)]
        grown = conn.execute(self._grow_feeds, rows)
        return {row[0]: row[1] - counts[row[0]] for row in grown}

    def _again(self, conn: Connection, append: Append, stream: _Stream) -> Appended | Exception:
        """The answer to an append whose place is taken: success if its own events took it."""
        last = append.expected + len(append.events) - 1
        found = conn.execute(self._stored, {"name": append.stream, "first": append.expected, "last": last})
        stored = found.all()
        if [row[0] for row in stored] != [event.id for event in append.events]:
            return AppendConflict(stream=append.stream, expected=append.expected, next_seq=stream.next_seq)
        return Appended(append.expected, last, stored[-1][1], stream.interrupted)


def _decide(
    appends: Iterable[Append], streams: Mapping[str, _Stream]
) -> tuple[dict[int, Append], dict[int, Exception]]:
    """Sort the appends of a group into winners and refused; those in neither found their place taken."""
    winners: dict[int, Append] = {}
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
            winners[index] = append
            stream.next_seq += len(append.events)
    return winners, refused


def _place(plan: _Plan, append: Append, stream: _Stream) -> Appended:
    """Give each event its seq and position, and note what has to be written for them."""
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
    for constant, parameters in append.also:
        plan.also.setdefault(constant, []).append(parameters)
    return Appended(append.expected, append.expected + len(append.events) - 1, position, stream.interrupted)
