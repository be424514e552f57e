"""The pool. Workers are fresh interpreters, never forks: a fork after a gRPC channel exists hangs.

`subprocess.Popen` starts them, which vforks. An event loop's own way of starting processes may fork before it executes
(uvloop's does), and gRPC's handlers of a fork then end some of the children at once.
"""

import asyncio
import os
import pickle
import socket
import subprocess
import sys
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, TypeVarTuple

from shared.compute.frames import LENGTH, frame
from shared.errors import GreenroomError, Unavailable

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

BUFFER = 4 << 20
"""Bytes of an answer that are read ahead."""
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str(256 << 20)}
"""Lets glibc keep what a piece of work frees for the next one. To get megabytes from the system anew each time, page by
page, takes a worker as long as to fill them; mallopt(3)."""
CLOSE_SECONDS = 2.0
"""How long an idle worker may take to end before it is killed."""


class WorkerCrashed(Unavailable):
    """The process that did the work ended before it was done; try again."""

    reason = "WORKER_CRASHED"


class WorkFailed(GreenroomError):
    """A computation failed for no fault of its caller."""

    reason = "WORK_FAILED"

    def __init__(self, text: str) -> None:
        super().__init__()
        self.add_note(text)


@dataclass(frozen=True, slots=True, eq=False)
class Worker:
    """A process, and the connection that is its standard input and output."""

    process: subprocess.Popen[bytes]
    answers: StreamReader
    requests: StreamWriter


class Compute:
    """Runs functions in up to `workers` processes, started when they are first needed.

    Work beyond that waits its turn. A worker that dies, or whose work is cancelled, is replaced by a new one.
    """

    def __init__(self, workers: int) -> None:
        if workers < 1:
            raise ValueError("a pool has at least one worker")
        self._room = asyncio.Semaphore(workers)
        self._idle: list[Worker] = []
        self._busy: set[Worker] = set()
        self._closed = False

    async def run(self, function: Callable[[*Ts], T], *arguments: *Ts) -> T:
        """The function's result, or what it raises.

        function: importable by its module and name, or a `functools.partial` of such a one. Arguments and result are
            pickled, so keep them small: a few MiB.
        Raises WorkerCrashed if the process dies, WorkFailed for an exception that cannot be pickled. Cancelling the
        call kills the process.
        """
        request = frame(pickle.dumps((function, arguments)))
        async with self._room:
            worker = await self._worker()
            self._busy.add(worker)
            try:
                if self._closed:
                    raise WorkerCrashed
                done, answer = pickle.loads(await _exchange(worker, request))  # noqa: S301 - from our own worker
            except BaseException:
                await _kill(worker)
                raise
            finally:
                self._busy.discard(worker)
            self._idle.append(worker)
        if done:
            result: T = answer
            return result
        raise answer if isinstance(answer, Exception) else WorkFailed(answer)

    async def close(self) -> None:
        """End every worker; work under way raises WorkerCrashed."""
        self._closed = True
        busy, idle, self._idle = list(self._busy), self._idle, []
        await asyncio.gather(*map(_kill, busy), *map(_end, idle))

    async def _worker(self) -> Worker:
        while self._idle:
            worker = self._idle.pop()
            if worker.process.poll() is None:
                return worker
            worker.requests.close()
        # The child finds modules where this process does, installed or not.
        environment = {**KEEP_MEMORY, **os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(  # noqa: ASYNC220 - see above; it takes a millisecond
                [sys.executable, "-m", "shared.compute.worker"],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                env=environment,
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
