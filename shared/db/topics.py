"""Topics that one can wait for, and how a transaction announces that they changed."""

from typing import Any, Protocol

_PENDING = "greenroom.wakeups"


class Announcing(Protocol):
    """A connection, synchronous or not. It carries the announced topics until its transaction commits."""

    @property
    def info(self) -> dict[Any, Any]:
        """A dict that belongs to the connection."""
        ...


def feed_topic(feed: str) -> str:
    """The topic that is notified when a feed grows."""
    return f"feed:{feed}"


def stream_topic(stream: str) -> str:
    """The topic that is notified when a stream grows or is interrupted."""
    return f"stream:{stream}"


def removal_topic(name: str) -> str:
    """The topic that is notified when events of a feed or stream are deleted, so that no cache serves them."""
    return f"removed:{name}"


def announce(conn: Announcing, *topics: str) -> None:
    """Notify the topics when this transaction of the writer commits."""
    conn.info.setdefault(_PENDING, set()).update(topics)


def announced(conn: Announcing) -> set[str]:
    """Take the topics that were announced on the connection since the last call."""
    topics: set[str] = conn.info.pop(_PENDING, set())
    return topics
