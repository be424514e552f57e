"""Wake-ups: hints that a topic changed, to this process and, on PostgreSQL, to every process on the database.

A hint can be lost (a connection breaks) or come without a change. The store is the truth, so every waiter also polls.
"""

import asyncio
import os
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.address import Address
from shared.db.options import DatabaseOptions
from shared.db.postgres import CONNECTION_ERRORS, Connection, connect
from shared.outage import Outage

_CHANNEL = "greenroom"
_REMEMBERED = 10_000
_RECONNECT = 1.0
# PostgreSQL refuses a payload of 8000 bytes and more (manual, NOTIFY).
_PAYLOAD = 7_500

_log = structlog.get_logger(__name__)


class Wakeups:
    """Notifications by topic. A notification between a read and the wait after it is not lost:

        mark = wakeups.mark(topic)
        ...read the store...
        await wakeups.wait(topic, mark)    # returns at once if the topic was notified after the mark

    poll_seconds: how long a wait lasts without a notification.
    """

    def __init__(self, poll_seconds: float = 1.0) -> None:
        self.poll_seconds = poll_seconds
        self._clock = 0
        self._notified: OrderedDict[str, int] = OrderedDict()
        self._forgotten = 0
        self._waiters: dict[str, set[asyncio.Future[None]]] = {}

    def mark(self, topic: str) -> int:  # noqa: ARG002 - one clock counts for all topics
        """The present time of the topic; take it before reading the store."""
        return self._clock

    def notify(self, topics: Iterable[str]) -> None:
        """Wake everyone who waits for one of the topics, now or later with an older mark."""
        self._clock += 1
        for topic in topics:
            self._notified[topic] = self._clock
            self._notified.move_to_end(topic)
            for waiter in self._waiters.pop(topic, ()):
                _wake(waiter)
        while len(self._notified) > _REMEMBERED:
            self._forgotten = self._notified.popitem(last=False)[1]

    def notify_all(self) -> None:
        """Wake everyone, because notifications may have been lost."""
        self._clock += 1
        self._forgotten = self._clock
        self._notified.clear()
        for topic in list(self._waiters):
            for waiter in self._waiters.pop(topic):
                _wake(waiter)

    def notified(self, topic: str, mark: int) -> bool:
        """True if the topic was notified after the mark, or may have been."""
        return self._notified.get(topic, self._forgotten) > mark

    async def wait(self, topic: str, mark: int, timeout: float | None = None) -> bool:  # noqa: ASYNC109
        """Wait until the topic is notified after the mark, `timeout` or `poll_seconds` at most; False if it was not."""
        if self.notified(topic, mark):
            return True
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.setdefault(topic, set()).add(waiter)
        try:
            await asyncio.wait((waiter,), timeout=self.poll_seconds if timeout is None else timeout)
            return waiter.done()
        finally:
            waiters = self._waiters.get(topic)
            if waiters is not None:
                waiters.discard(waiter)
                if not waiters:
                    del self._waiters[topic]

    async def send(self, conn: AsyncConnection, topics: Iterable[str]) -> None:
        """Notify the other processes when conn's transaction commits. On SQLite they poll instead."""

    def on_fault(self, callback: Callable[[Exception], None]) -> None:
        """Call `callback` with each error of the connection to other processes."""

    async def close(self) -> None:
        """Close the connection to other processes."""


class PostgresWakeups(Wakeups):
    """Wake-ups that also use LISTEN/NOTIFY, on a connection of their own that is made again when it is lost."""

    def __init__(self, address: Address, options: DatabaseOptions) -> None:
        super().__init__(options.poll_seconds)
        self._address = address
        self._options = options
        self._origin = os.urandom(8).hex()
        self._conn: Connection = None
        self._lost = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._tell: Callable[[Exception], None] = lambda _: None
        self._outage = Outage(
            _log, "wake-ups from other processes interrupted", "wake-ups from other processes are heard again"
        )

    @classmethod
    async def open(cls, address: Address, options: DatabaseOptions) -> "PostgresWakeups":
        """Start to listen. Raises one of CONNECTION_ERRORS."""
        wakeups = cls(address, options)
        await wakeups._listen()
        wakeups._keeper = asyncio.create_task(wakeups._keep_listening(), name="wakeups")
        return wakeups

    async def send(self, conn: AsyncConnection, topics: Iterable[str]) -> None:
        for payload in _payloads(self._origin, sorted(topics)):
            await conn.execute(_NOTIFY, {"channel": _CHANNEL, "payload": payload})

    def on_fault(self, callback: Callable[[Exception], None]) -> None:
        self._tell = callback

    async def close(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        self._conn.terminate()

    async def _listen(self) -> None:
        self._conn = await connect(self._address, self._options)
        self._conn.add_termination_listener(lambda _: self._lost.set())
        await self._conn.add_listener(_CHANNEL, self._heard)

    async def _keep_listening(self) -> None:
        while True:
            await self._lost.wait()
            self._lost.clear()
            try:
                await self._listen()
            except CONNECTION_ERRORS as error:
                self._outage.met(error=str(error))
                self._tell(error)
                self._lost.set()
                await asyncio.sleep(_RECONNECT)
            else:
                self._outage.over()
                # Notifications sent in between are lost.
                self.notify_all()

    def _heard(self, _conn: object, _pid: int, _channel: str, payload: object) -> None:
        origin, *topics = str(payload).split("\n")
        if origin != self._origin:
            self.notify(topics)


_NOTIFY = text("SELECT pg_notify(:channel, :payload)")


def _payloads(origin: str, topics: Sequence[str]) -> Iterator[str]:
    payload = origin
    for topic in topics:
        if len(payload) + len(topic) >= _PAYLOAD:
            yield payload
            payload = origin
        payload += "\n" + topic
    if payload != origin:
        yield payload


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
