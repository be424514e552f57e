"""The pool. Workers are new interpreters, not forks, because a fork hangs once a gRPC channel exists.

`subprocess.Popen` starts them, because it uses vfork. An event loop may fork to start a process (uvloop does), and
gRPC's fork handlers then end some of the children at once.
"""

import asyncio
import os
import pickle
import signal
import socket
import subprocess
import sys
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar, TypeVarTuple

from shared.compute.errors import TooMuchMemory, WorkerCrashed, WorkFailed
from shared.compute.frames import LENGTH, frame
from shared.limits import MIB, ROOM, memory_bytes

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

BUFFER = 4 << 20
"""Bytes of an answer to read ahead."""
MEMORY = 4 << 30
"""Bytes that a worker may take unless the pool is told otherwise."""
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str(256 << 20)}
"""Let glibc keep freed memory for the next piece of work (mallopt(3)). Getting megabytes from the system page by page
takes a worker as long as filling them."""
PLAIN_MEMORY = {"ARROW_DEFAULT_MEMORY_POOL": "system", "OPENBLAS_NUM_THREADS": "1"}
"""Let libraries reserve no memory ahead, which would count against the limit of a worker."""
CLOSE_SECONDS = 2.0
"""Seconds an idle worker may take to end before it is killed."""


@dataclass(frozen=True, slots=True, eq=False)
class Worker:
    """A process and the connection to its standard input and output.

    held: the bytes of limited memory that its last work left it with; None if it has done no work.
    """

    process: subprocess.Popen[bytes]
    answers: StreamReader
    requests: StreamWriter
    held: int | None = None


class Compute:
    """Runs functions in up to `workers` processes, which are started when first needed.

    Further work waits for a free worker. A worker that dies, whose work is cancelled, or which holds much memory
    afterwards is replaced. Work that runs out of memory in a worker that has worked before runs again in a new
    one. memory: the bytes that a worker may take.
    """

    def __init__(self, workers: int, memory: int = MEMORY) -> None:
        if workers < 1:
            raise ValueError("a pool has at least one worker")
        self._room = asyncio.Semaphore(workers)
        self._memory = memory
        self._idle: list[Worker] = []
        self._busy: set[Worker] = set()
        self._closed = False

    async def run(self, function: Callable[[*Ts], T], *arguments: *Ts, reads: int | None = None) -> T:
        """The function's result; raises what the function raises.

        function: importable by module and name, or a `functools.partial` of such a function. Arguments and result are
            pickled, so keep them to a few MiB. It may run twice.
        reads: the bytes of input that the work reads, if it reads what users wrote; `shared/limits.py` says how much
            memory it may take for them.
        Raises WorkerCrashed if the process dies, TooMuchMemory, and WorkFailed for an exception that cannot be pickled.
        Cancelling the call kills the process.
        """
        memory = self._memory if reads is None else min(self._memory, memory_bytes(reads))
        request = frame(pickle.dumps((memory, function, arguments)))
        async with self._room:
            worker = await self._worker(memory)
            try:
                done, answer = await self._answer(worker, request, memory)
            except TooMuchMemory:
                if worker.held is None:
                    raise
                done, answer = await self._answer(await _start(), request, memory)
        if done:
            result: T = answer
            return result
        raise answer if isinstance(answer, Exception) else WorkFailed(answer)

    async def close(self) -> None:
        """End every worker; work under way raises WorkerCrashed."""
        self._closed = True
        busy, idle, self._idle = list(self._busy), self._idle, []
        await asyncio.gather(*map(_kill, busy), *map(_end, idle))

    async def _answer(self, worker: Worker, request: bytes, memory: int) -> tuple[bool, Any]:
        """Whether the work was done, and its result or error. Raises WorkerCrashed and TooMuchMemory."""
        self._busy.add(worker)
        try:
            if self._closed:
                raise WorkerCrashed
            answered = await _exchange(worker, request)
            done, answer, held, worn = pickle.loads(answered)  # noqa: S301 - from our own worker
        except WorkerCrashed as crash:
            await _kill(worker)
            # C++ aborts where Python raises MemoryError.
            if worker.process.returncode == -signal.SIGABRT:
                raise TooMuchMemory(most=f"{memory // MIB:,}") from crash
            raise
        except BaseException:
            await _kill(worker)
            raise
        finally:
            self._busy.discard(worker)
        if worn:
            await _kill(worker)
        else:
            self._idle.append(replace(worker, held=held))
        if isinstance(answer, TooMuchMemory):
            raise answer
        return done, answer

    async def _worker(self, memory: int) -> Worker:
        """A worker with room for work that may take so many bytes in all."""
        while self._idle:
            worker = self._idle.pop()
            if worker.process.poll() is not None:
                worker.requests.close()
            elif (worker.held or 0) + ROOM > memory:
                await _kill(worker)
            else:
                return worker
        return await _start()


async def _start() -> Worker:
    # The child finds the same modules as this process, installed or not.
    modules = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(  # noqa: ASYNC220, S603 - see the module's docstring; it takes a millisecond
            [sys.executable, "-m", "shared.compute.worker", str(os.getpid())],
            stdin=theirs.fileno(),
            stdout=theirs.fileno(),
            env={**KEEP_MEMORY, **PLAIN_MEMORY, **os.environ, **modules},
        )
    answers, requests = await asyncio.open_unix_connection(sock=ours, limit=BUFFER)
    return Worker(process, answers, requests)


async def _exchange(worker: Worker, request: bytes) -> bytes:
    try:
        worker.requests.write(request)
        await worker.requests.drain()
        head = await worker.answers.readexactly(LENGTH.size)
        return await worker.answers.readexactly(*LENGTH.unpack(head))
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        raise WorkerCrashed from error


async def _kill(worker: Worker) -> None:
    worker.process.kill()
    await _reap(worker)


async def _end(worker: Worker) -> None:
    worker.requests.write_eof()
    try:
        # A worker closes its end when it ends.
        await asyncio.wait_for(worker.answers.read(), CLOSE_SECONDS)
    except (TimeoutError, ConnectionError):
        worker.process.kill()
    await _reap(worker)


async def _reap(worker: Worker) -> None:
    worker.requests.close()
    await asyncio.to_thread(worker.process.wait)
