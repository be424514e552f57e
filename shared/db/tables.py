"""The event log's tables, and a naming rule by which migrations find constraints on both databases."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, Boolean, Column, LargeBinary, MetaData, String, Table, UniqueConstraint

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def new_metadata() -> MetaData:
    """New metadata for a service; it names every constraint after its columns."""
    return MetaData(naming_convention=NAMING_CONVENTION)


@dataclass(frozen=True, slots=True)
class EventTables:
    """The event log's three tables.

    events: one row per event, with its `seq` in the stream and its `position` in the feed, both from 1.
    streams: one row per stream, with the seq of its next event.
    feeds: one row per feed, with the position of its last event.
    """

    events: Table
    streams: Table
    feeds: Table


def event_tables(metadata: MetaData) -> EventTables:
    """Declare the event log's tables in a service's metadata."""
    events = Table(
        "events",
        metadata,
        Column("stream", String, primary_key=True),
        Column("seq", BigInteger, primary_key=True, autoincrement=False),
        Column("id", String, nullable=False),
        Column("feed", String),
        Column("position", BigInteger),
        Column("payload", LargeBinary, nullable=False),
        # Unix microseconds: cheaper than a datetime on SQLite, and easy to make a protobuf Timestamp from.
        Column("create_time", BigInteger, nullable=False),
        UniqueConstraint("feed", "position"),
    )
    streams = Table(
        "streams",
        metadata,
        Column("stream", String, primary_key=True),
        Column("company", String, nullable=False),
        Column("feed", String, index=True),
        Column("next_seq", BigInteger, nullable=False),
        Column("interrupted", Boolean, nullable=False),
    )
    feeds = Table(
        "feeds",
        metadata,
        Column("feed", String, primary_key=True),
        Column("head", BigInteger, nullable=False),
    )
    return EventTables(events, streams, feeds)
