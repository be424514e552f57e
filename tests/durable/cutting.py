"""A proxy that cuts connections to a server, as a network may do."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress


class Hop:
    """Forwards bytes between a client and a port on loopback.

    limits: after how many bytes from the server to cut a connection, one for each cut; later ones are not cut.
    cuts: how many connections it has cut. Connections that the client gives up are not counted.
    """

    def __init__(self, port: int, limits: Sequence[int]) -> None:
        self._port = port
        self._limits = limits
        self.address = ""
        self.cuts = 0

    async def connected(self, client: StreamReader, to_client: StreamWriter) -> None:
        """Serve one connection until it ends or is cut."""
        limit = self._limits[self.cuts] if self.cuts < len(self._limits) else None
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
async def hop(port: int, limits: Sequence[int]) -> AsyncIterator[Hop]:
    """A proxy to a port on loopback."""
    way = Hop(port, limits)
    listener = await asyncio.start_server(way.connected, "127.0.0.1", 0)
    host, taken = listener.sockets[0].getsockname()
    way.address = f"{host}:{taken}"
    try:
        yield way
    finally:
        listener.close()


async def _pass_on(reader: StreamReader, writer: StreamWriter, limit: int | None) -> bool:
    """Forward up to `limit` bytes; True if there were more."""
    left = float("inf") if limit is None else limit
    with suppress(OSError):
        while data := await reader.read(1 << 14):
            writer.write(data[: int(min(left, len(data)))])
            left -= len(data)
            if left < 0:
                return True
            await writer.drain()
    return False
