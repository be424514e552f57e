"""The event log's tables, and the names that constraints get so that migrations find them on both databases."""

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
    """A service's metadata: every constraint has a name that follows from what it constrains."""
    return MetaData(naming_convention=NAMING_CONVENTION)


@dataclass(frozen=True, slots=True)
class EventTables:
    """The event log's three tables.

    events: one row an event; `seq` counts 1, 2, … in its stream and `position` 1, 2, … in its feed.
    streams: one row a stream, with the seq that its next event gets.
    feeds: one row a feed, with the position of its last event.
    """

    events: Table
    streams: Table
    feeds: Table


def event_tables(metadata: MetaData) -> EventTables:
    """Declare the event log in a service's metadata; its migrations create it from there."""
    events = Table(
        "events",
        metadata,
        Column("stream", String, primary_key=True),
        Column("seq", BigInteger, primary_key=True, autoincrement=False),
        Column("id", String, nullable=False),
        Column("feed", String),
        Column("position", BigInteger),
        Column("payload", LargeBinary, nullable=False),
        # Unix microseconds: cheaper than a datetime on SQLite, and what a protobuf Timestamp is made from.
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
