"""The event log: streams of events, each dense from 1, and feeds that put several streams' events in one order."""

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
    """A stream to be opened, with its first events; feed is None if it belongs to none."""

    stream: str
    company: str
    feed: str | None = None
    events: tuple[NewEvent, ...] = ()


class StoredEvent(NamedTuple):
    """An event as it stands in the log.

    seq: 1, 2, … in its stream, with no gap.
    feed, position: 1, 2, … in its feed; both None without one. No hole but where a whole stream was deleted.
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
    """The events of the rows that `EventLog.query` finds."""
    return [StoredEvent._make(row) for row in rows]


class EventLog:
    """What is read from the log, and what happens to whole streams; events are appended by `Database.writer`.

    Methods that take conn run inside `Writer.run`.
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
        """Up to limit events of a stream after a seq (0 for the first), in order."""
        (rows,) = await self._db.fetch_each(self.query(stream, after_seq, limit))
        return stored(rows)

    def query(self, stream: str, after_seq: int, limit: int) -> Query:
        """What `read` asks, for whoever asks more at once; `stored` makes events of the rows."""
        return self._by_seq, {"name": stream, "after": after_seq, "count": limit}

    async def read_feed(self, feed: str, after_position: int, limit: int) -> list[StoredEvent]:
        """Up to limit events of a feed after a position (0 for the first), in order."""
        query = self._by_position, {"name": feed, "after": after_position, "count": limit}
        (rows,) = await self._db.fetch_each(query)
        return stored(rows)

    async def head(self, feed: str) -> int:
        """The position of the feed's last event; 0 if there is none."""
        feeds = self._tables.feeds
        found = await self._db.fetch(select(feeds.c.head).where(feeds.c.feed == feed))
        return int(found[0].head) if found else 0

    async def open_streams(self, conn: AsyncConnection, streams: Sequence[NewStream]) -> None:
        """Open many streams, with their first events in the given order; raises IntegrityError if one is open."""
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
        """From now on the stream takes only a final append; its watchers are woken. Raises StreamNotFound."""
        streams = self._tables.streams
        changed = await conn.execute(
            update(streams).where(streams.c.stream == stream).values(interrupted=True).returning(streams.c.stream)
        )
        if not changed.all():
            raise StreamNotFound(stream=stream)
        announce(conn, stream_topic(stream))

    async def delete(self, conn: AsyncConnection, streams: Sequence[str]) -> None:
        """Remove streams and their events for good; their feeds keep the holes, so no position comes twice."""
        table = self._tables.streams
        for start in range(0, len(streams), _DELETED_AT_ONCE):
            names = streams[start : start + _DELETED_AT_ONCE]
            feeds = await conn.scalars(select(table.c.feed).where(table.c.stream.in_(names), table.c.feed.is_not(None)))
            announce(conn, *map(removal_topic, names), *map(removal_topic, feeds.unique()))
            for rows in (self._tables.events, self._tables.streams):
                await conn.execute(delete(rows).where(rows.c.stream.in_(names)))

    async def delete_feed(self, conn: AsyncConnection, feed: str) -> None:
        """Remove a feed with all its streams and their events for good."""
        streams = self._tables.streams
        names = await conn.scalars(select(streams.c.stream).where(streams.c.feed == feed))
        announce(conn, removal_topic(feed), *map(removal_topic, names))
        for table in (self._tables.events, self._tables.streams, self._tables.feeds):
            await conn.execute(delete(table).where(table.c.feed == feed))

    async def _heads(self, conn: AsyncConnection, names: Sequence[str]) -> dict[str, int]:
        """The heads of feeds, made where missing and locked in one order as appends lock them."""
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
