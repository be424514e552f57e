"""Imports: a file read in chunks, decompressed on the way, and streamed behind a header."""

import asyncio
import gzip
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import IO, Any, TypeVar, cast

import grpc

from greenroom.client._calls import Calls, caught
from greenroom.client._errors import decoded

_CHUNK_BYTES = 1024 * 1024

Request = TypeVar("Request")
Response = TypeVar("Response")


async def upload(
    calls: Calls,
    method: "grpc.aio.StreamUnaryMultiCallable[Request, Response]",
    message: Callable[..., Request],
    path: Path,
    header: object,
    *,
    decompress: bool = True,
    again: bool = True,
) -> Response:
    """Stream the file behind the header, from its start again if the server was unavailable.

    message: makes a request with the keyword `header` or `chunk`. decompress: a file that ends in `.gz`. again: as for
    `Calls.unary`. Raises OSError if the file cannot be read.
    """

    async def attempt() -> Response:
        with await asyncio.to_thread(_opened, path, decompress) as file:
            call = method(metadata=calls.metadata)
            status = _Status(call)
            try:
                # No request iterator: what one raises, such as a bad gzip file, grpc.aio turns into CancelledError.
                await call.write(message(header=header))
                while chunk := await asyncio.to_thread(file.read, _CHUNK_BYTES):
                    await call.write(message(chunk=chunk))
                await call.done_writing()
            except (asyncio.InvalidStateError, grpc.aio.AioRpcError):
                await status.raised()
            except BaseException:
                call.cancel()
                raise
            return await caught(call)

    return await calls.repeated(attempt, attempts=calls.retry.attempts if again else 1)


def _opened(path: Path, decompress: bool) -> IO[Any]:
    return cast(IO[Any], gzip.open(path)) if decompress and path.suffix == ".gz" else path.open("rb")


class _Status:
    """The error that the server ended a call with before it had read everything.

    The write that fails then gives the call a status of grpc.aio's making, INTERNAL, before or after the server's own
    arrives and for good in the latter case. So each is looked at when it is set.
    """

    def __init__(self, call: "grpc.aio.StreamUnaryCall[Any, Any]") -> None:
        self._call = call
        self._error: asyncio.Future[grpc.aio.AioRpcError] = asyncio.get_running_loop().create_future()
        call.add_done_callback(self._look)

    async def raised(self) -> None:
        """Raise the server's error; return if it sent none within a second."""
        await asyncio.wait({self._error}, timeout=1)
        if self._error.done():
            raise decoded(self._error.result())

    def _look(self, _: object) -> None:
        code, details = _at_once(self._call.code()), _at_once(self._call.details())
        if code is not grpc.StatusCode.OK and details != "Internal error from Core" and not self._error.done():
            trailing = _at_once(self._call.trailing_metadata())
            self._error.set_result(grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailing, details))


def _at_once(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine that does not wait."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise RuntimeError("the coroutine waits")
