"""What one can wait for, and how a transaction announces that there is news of it."""

from typing import Any, Protocol

_PENDING = "greenroom.wakeups"


class Announcing(Protocol):
    """A connection of either kind, which carries what was announced until its transaction is committed."""

    @property
    def info(self) -> dict[Any, Any]:
        """What is kept with the connection."""
        ...


def feed_topic(feed: str) -> str:
    """The topic that is notified when a feed grows."""
    return f"feed:{feed}"


def stream_topic(stream: str) -> str:
    """The topic that is notified when a stream grows or is interrupted."""
    return f"stream:{stream}"


def removal_topic(name: str) -> str:
    """The topic that is notified when events of a feed or stream were deleted, so that nobody serves a copy of them."""
    return f"removed:{name}"


def announce(conn: Announcing, *topics: str) -> None:
    """Wake the waiters of topics once this transaction of the writer is committed."""
    conn.info.setdefault(_PENDING, set()).update(topics)


def announced(conn: Announcing) -> set[str]:
    """Take what was announced on the connection since the last time."""
    topics: set[str] = conn.info.pop(_PENDING, set())
    return topics
