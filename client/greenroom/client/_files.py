"""Imports: a file read in chunks, decompressed on the way, and streamed behind a header."""

import asyncio
import gzip
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, TypeVar, cast

import grpc

from greenroom.client._calls import Calls, caught
from greenroom.synthesizer.v1.import_pb2 import ImportHeader

_CHUNK_BYTES = 1024 * 1024

Request = TypeVar("Request")
Response = TypeVar("Response")


async def upload(
    calls: Calls,
    method: "grpc.aio.StreamUnaryMultiCallable[Request, Response]",
    message: Callable[..., Request],
    path: Path,
    header: ImportHeader,
) -> Response:
    """Stream the file behind the header, from its start again if the server was unavailable.

    message: makes a request with the keyword `header` or `chunk`. Raises OSError if the file cannot be read.
    """

    async def attempt() -> Response:
        with await asyncio.to_thread(_opened, path) as file:
            call = method(metadata=calls.metadata)
            try:
                # No request iterator: what one raises, such as a bad gzip file, grpc.aio turns into CancelledError.
                await call.write(message(header=header))
                while chunk := await asyncio.to_thread(file.read, _CHUNK_BYTES):
                    await call.write(message(chunk=chunk))
                await call.done_writing()
            except asyncio.InvalidStateError:
                pass  # The server has answered already; the call tells what.
            except BaseException:
                call.cancel()
                raise
            return await caught(call)

    return await calls.repeated(attempt, attempts=calls.retry.attempts)


def _opened(path: Path) -> IO[Any]:
    return cast(IO[Any], gzip.open(path)) if path.suffix == ".gz" else path.open("rb")
