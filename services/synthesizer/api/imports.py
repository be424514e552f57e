"""The stream of an import: a header, then chunks."""

from collections.abc import AsyncIterator
from typing import Any

from services.synthesizer.catalog.errors import HeaderExpected, HeaderRepeated
from services.synthesizer.catalog.imports import Header


async def read_header(requests: AsyncIterator[Any]) -> Header:
    """The header, which is the first message. Raises HeaderExpected."""
    first = await anext(requests, None)
    if first is None or first.WhichOneof("content") != "header":
        raise HeaderExpected
    return Header(format=first.header.format, file=first.header.file, request_id=first.header.request_id)


async def read_chunks(requests: AsyncIterator[Any]) -> AsyncIterator[bytes]:
    """The bytes behind the header. Raises HeaderRepeated."""
    async for request in requests:
        if request.WhichOneof("content") == "header":
            raise HeaderRepeated
        yield request.chunk
