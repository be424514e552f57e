"""Upload streams: the first message holds the `header`, every later one a `chunk` of bytes."""

from collections.abc import AsyncIterator
from typing import Any

from shared.errors import InvalidArgument


class HeaderExpected(InvalidArgument):
    """The first message of an upload must hold the header; send the header, then the chunks."""

    reason = "HEADER_EXPECTED"


class HeaderRepeated(InvalidArgument):
    """An upload has one header, in its first message; send only chunks after it."""

    reason = "HEADER_REPEATED"


async def read_header(requests: AsyncIterator[Any]) -> Any:
    """The header from the first message. Raises HeaderExpected."""
    first = await anext(requests, None)
    if first is None or first.WhichOneof("content") != "header":
        raise HeaderExpected
    return first.header


async def read_files(requests: AsyncIterator[Any]) -> AsyncIterator[tuple[Any, bytes]]:
    """The headers and the chunks of several files: (header, no bytes) where a file begins, (None, bytes) after it.

    Raises HeaderExpected.
    """
    began = False
    async for request in requests:
        if request.WhichOneof("content") == "header":
            began = True
            yield request.header, b""
        elif not began:
            raise HeaderExpected
        else:
            yield None, request.chunk
    if not began:
        raise HeaderExpected


async def read_chunks(requests: AsyncIterator[Any]) -> AsyncIterator[bytes]:
    """The chunks after the header. Raises HeaderRepeated."""
    async for request in requests:
        if request.WhichOneof("content") == "header":
            raise HeaderRepeated
        yield request.chunk
