"""Uploads: reads a file in chunks, decompresses them, and streams them after a header."""

import asyncio
import gzip
import zlib
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import IO, Any, TypeVar, cast

import grpc

from greenroom.client._calls import Calls, caught
from greenroom.client._errors import decoded

_CHUNK_BYTES = 1024 * 1024
UNPACKED_LEAST, UNPACKED_TIMES = 64 << 20, 100
"""Bytes that any file may unpack to, and the multiple of its size that a larger one may: those of the server."""

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
    """Stream the file after the header, as `upload_all` does."""
    return await upload_all(calls, method, message, [(path, header)], decompress=decompress, again=again)


async def upload_all(
    calls: Calls,
    method: "grpc.aio.StreamUnaryMultiCallable[Request, Response]",
    message: Callable[..., Request],
    files: Sequence[tuple[Path, object]],
    *,
    decompress: bool = True,
    again: bool = True,
) -> Response:
    """Stream each file after its header; start again if the server was unavailable.

    message: makes a request with the keyword `header` or `chunk`. decompress: a file that ends in `.gz`. again: as for
    `Calls.unary`. Raises OSError if a file cannot be read.
    """

    async def attempt() -> Response:
        call = method(metadata=calls.metadata)
        status = _Status(call)
        try:
            # grpc.aio turns errors of a request iterator, such as a bad gzip file, into CancelledError.
            for path, header in files:
                with await asyncio.to_thread(_opened, path, decompress) as file:
                    await call.write(message(header=header))
                    left = UNPACKED_LEAST + UNPACKED_TIMES * (await asyncio.to_thread(path.stat)).st_size
                    while chunk := await asyncio.to_thread(_read, file, path):
                        if (left := left - len(chunk)) < 0:
                            raise _unpacks_to_too_much(path)
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


def _read(file: IO[Any], path: Path) -> bytes:
    """The next chunk, empty at the end. Raises OSError."""
    try:
        return cast(bytes, file.read(_CHUNK_BYTES))
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise gzip.BadGzipFile(f"{path} cannot be decompressed: it is no gzip file, or it is cut or damaged.") from None


def _unpacks_to_too_much(path: Path) -> gzip.BadGzipFile:
    most = f"{UNPACKED_LEAST >> 20} MiB and {UNPACKED_TIMES} times its size"
    return gzip.BadGzipFile(f"{path} unpacks to more than {most}; divide it, or send it unpacked.")


class _Status:
    """The error with which the server ended a call before it read everything.

    The next write fails, and grpc.aio sets the status INTERNAL, before or after the server's status arrives. If the
    server's arrives first, it is overwritten. So read each status when it is set.
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
