"""The event log: streams of events with seqs 1, 2, …, and feeds that order the events of several streams."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Row, bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.appends import (
    Append,
    AppendConflict,
    Appended,
    EventNotStorable,
    NewEvent,
    StreamInterrupted,
    StreamNotFound,
    check_storable,
    insert_new,
    now,
)
from shared.db.engine import Database, Query
from shared.db.tables import EventTables, event_tables
from shared.db.topics import announce, feed_topic, removal_topic, stream_topic

__all__ = [
    "Append",
    "AppendConflict",
    "Appended",
    "EventLog",
    "EventNotStorable",
    "EventTables",
    "NewEvent",
    "NewStream",
    "StoredEvent",
    "StreamInterrupted",
    "StreamNotFound",
    "event_tables",
]

_DELETED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class NewStream:
    """A stream to open, with its first events. feed: None if it belongs to no feed."""

    stream: str
    company: str
    feed: str | None = None
    events: tuple[NewEvent, ...] = ()


class StoredEvent(NamedTuple):
    """An event of the log.

    seq: 1, 2, … in its stream, without a gap.
    feed, position: 1, 2, … in its feed, without a gap except where a whole stream was deleted; None without a feed.
    create_time: Unix microseconds.
    """

    stream: str
    seq: int
    id: str
    feed: str | None
    position: int | None
    payload: bytes
    create_time: int


def stored(rows: Sequence[Row[Any]]) -> list[StoredEvent]:
    """The events in the rows that `EventLog.query` selects."""
    return [StoredEvent._make(row) for row in rows]


class EventLog:
    """Reads events, and opens, interrupts and deletes streams. `Database.writer` appends events.

    Methods that take `conn` run inside `Writer.run`.
    """

    def __init__(self, db: Database, tables: EventTables) -> None:
        self._db = db
        self._tables = tables
        events, feeds = tables.events, tables.feeds
        self._by_seq = (
            select(events)
            .where(events.c.stream == bindparam("name"), events.c.seq > bindparam("after"))
            .order_by(events.c.seq)
            .limit(bindparam("count"))
        )
        self._by_position = (
            select(events)
            .where(events.c.feed == bindparam("name"), events.c.position > bindparam("after"))
            .order_by(events.c.position)
            .limit(bindparam("count"))
        )
        self._new_feeds = insert_new(feeds, db.dialect)

    async def read(self, stream: str, after_seq: int, limit: int) -> list[StoredEvent]:
        """Up to `limit` events of a stream after a seq (0 for all), in order."""
        (rows,) = await self._db.fetch_each(self.query(stream, after_seq, limit))
        return stored(rows)

    def query(self, stream: str, after_seq: int, limit: int) -> Query:
        """The query of `read`, to run together with others; `stored` makes events of its rows."""
        return self._by_seq, {"name": stream, "after": after_seq, "count": limit}

    async def read_feed(self, feed: str, after_position: int, limit: int) -> list[StoredEvent]:
        """Up to `limit` events of a feed after a position (0 for all), in order."""
        query = self._by_position, {"name": feed, "after": after_position, "count": limit}
        (rows,) = await self._db.fetch_each(query)
        return stored(rows)

    async def head(self, feed: str) -> int:
        """The position of the feed's last event; 0 for an empty feed."""
        feeds = self._tables.feeds
        found = await self._db.fetch(select(feeds.c.head).where(feeds.c.feed == feed))
        return int(found[0].head) if found else 0

    async def open_streams(self, conn: AsyncConnection, streams: Sequence[NewStream]) -> None:
        """Open streams with their first events, in the given order. Raises IntegrityError if one is open already."""
        heads = await self._heads(conn, sorted({new.feed for new in streams if new.feed is not None}))
        rows, event_rows = [], []
        created = now()
        for new in streams:
            rows.append(
                {
                    "stream": new.stream,
                    "company": new.company,
                    "feed": new.feed,
                    "next_seq": len(new.events) + 1,
                    "interrupted": False,
                }
            )
            for seq, event in enumerate(new.events, 1):
                check_storable(new.stream, event)
                if new.feed is not None:
                    heads[new.feed] += 1
                event_rows.append(
                    {
                        "stream": new.stream,
                        "seq": seq,
                        "id": event.id,
                        "feed": new.feed,
                        "position": None if new.feed is None else heads[new.feed],
                        "payload": event.payload,
                        "create_time": created,
                    }
                )
        if rows:
            await conn.execute(insert(self._tables.streams), rows)
        if event_rows:
            await conn.execute(insert(self._tables.events), event_rows)
        await self._move_heads(conn, heads)

    async def interrupt(self, conn: AsyncConnection, stream: str) -> None:
        """Allow only a final append from now on, and wake the stream's watchers. Raises StreamNotFound."""
        streams = self._tables.streams
        changed = await conn.execute(
            update(streams).where(streams.c.stream == stream).values(interrupted=True).returning(streams.c.stream)
        )
        if not changed.all():
            raise StreamNotFound(stream=stream)
        announce(conn, stream_topic(stream))

    async def delete(self, conn: AsyncConnection, streams: Sequence[str]) -> None:
        """Delete streams with their events. Their positions in feeds are not used again."""
        table = self._tables.streams
        for start in range(0, len(streams), _DELETED_AT_ONCE):
            names = streams[start : start + _DELETED_AT_ONCE]
            feeds = await conn.scalars(select(table.c.feed).where(table.c.stream.in_(names), table.c.feed.is_not(None)))
            announce(conn, *map(removal_topic, names), *map(removal_topic, feeds.unique()))
            for rows in (self._tables.events, self._tables.streams):
                await conn.execute(delete(rows).where(rows.c.stream.in_(names)))

    async def delete_feed(self, conn: AsyncConnection, feed: str) -> None:
        """Delete a feed with its streams and their events."""
        streams = self._tables.streams
        names = await conn.scalars(select(streams.c.stream).where(streams.c.feed == feed))
        announce(conn, removal_topic(feed), *map(removal_topic, names))
        for table in (self._tables.events, self._tables.streams, self._tables.feeds):
            await conn.execute(delete(table).where(table.c.feed == feed))

    async def _heads(self, conn: AsyncConnection, names: Sequence[str]) -> dict[str, int]:
        """The heads of feeds, created where missing, and locked in the same order as appends lock them."""
        if not names:
            return {}
        feeds = self._tables.feeds
        await conn.execute(self._new_feeds, [{"feed": name, "head": 0} for name in names])
        rows = await conn.execute(
            select(feeds.c.feed, feeds.c.head).where(feeds.c.feed.in_(names)).order_by(feeds.c.feed).with_for_update()
        )
        return {row[0]: row[1] for row in rows}

    async def _move_heads(self, conn: AsyncConnection, heads: dict[str, int]) -> None:
        if not heads:
            return
        feeds = self._tables.feeds
        await conn.execute(
            update(feeds).where(feeds.c.feed == bindparam("name")).values(head=bindparam("last")),
            [{"name": feed, "last": head} for feed, head in heads.items()],
        )
        announce(conn, *map(feed_topic, heads))
