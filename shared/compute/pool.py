"""The pool. Workers are fresh interpreters, never forks: a fork after a gRPC channel exists hangs."""

import asyncio
import contextlib
import os
import pickle
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

from shared.compute.frames import LENGTH, frame
from shared.errors import GreenroomError, Unavailable

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

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


class Compute:
    """Runs functions in up to `workers` processes, started when they are first needed.

    Work beyond that waits its turn. A worker that dies, or whose work is cancelled, is replaced by a new one.
    """

    def __init__(self, workers: int) -> None:
        if workers < 1:
            raise ValueError("a pool has at least one worker")
        self._room = asyncio.Semaphore(workers)
        self._idle: list[Process] = []
        self._busy: set[Process] = set()
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

    async def _worker(self) -> Process:
        while self._idle:
            worker = self._idle.pop()
            if worker.returncode is None:
                return worker
        # The child finds modules where this process does, installed or not.
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "shared.compute.worker", stdin=PIPE, stdout=PIPE, env=environment
        )


async def _exchange(worker: Process, request: bytes) -> bytes:
    assert worker.stdin is not None
    assert worker.stdout is not None
    try:
        worker.stdin.write(request)
        await worker.stdin.drain()
        head = await worker.stdout.readexactly(LENGTH.size)
        return await worker.stdout.readexactly(*LENGTH.unpack(head))
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        raise WorkerCrashed from error


async def _kill(worker: Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        worker.kill()
    await worker.wait()


async def _end(worker: Process) -> None:
    assert worker.stdin is not None
    worker.stdin.close()
    try:
        await asyncio.wait_for(worker.wait(), CLOSE_SECONDS)
    except TimeoutError:
        await _kill(worker)
