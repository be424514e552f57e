"""A hop on the way to a server that cuts its connections, as a network does."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress


class Hop:
    """Passes bytes on between a client and a port on loopback.

    limits: after how many bytes from the server to cut the first connection, the second, …; later ones are left alone.
    cuts: how many connections it has cut.
    """

    def __init__(self, port: int, limits: Iterable[int]) -> None:
        self._port = port
        self._limits = iter(limits)
        self.address = ""
        self.cuts = 0

    async def connected(self, client: StreamReader, to_client: StreamWriter) -> None:
        """Serve one connection until an end or a cut."""
        limit = next(self._limits, None)
        server, to_server = await asyncio.open_connection("127.0.0.1", self._port)
        there = asyncio.create_task(_pass_on(client, to_server, None))
        back = asyncio.create_task(_pass_on(server, to_client, limit))
        try:
            await asyncio.wait((there, back), return_when=asyncio.FIRST_COMPLETED)
            self.cuts += back.done() and not back.cancelled() and back.result()
        finally:
            there.cancel()
            back.cancel()
            to_client.transport.abort()
            to_server.transport.abort()


@asynccontextmanager
async def hop(port: int, limits: Iterable[int]) -> AsyncIterator[Hop]:
    """A hop to a port on loopback."""
    way = Hop(port, limits)
    listener = await asyncio.start_server(way.connected, "127.0.0.1", 0)
    host, taken = listener.sockets[0].getsockname()
    way.address = f"{host}:{taken}"
    try:
        yield way
    finally:
        listener.close()


async def _pass_on(reader: StreamReader, writer: StreamWriter, limit: int | None) -> bool:
    """Pass on up to limit bytes; whether there were more."""
    left = float("inf") if limit is None else limit
    with suppress(OSError):
        while data := await reader.read(1 << 14):
            writer.write(data[: int(min(left, len(data)))])
            left -= len(data)
            if left < 0:
                return True
            await writer.drain()
    return False
