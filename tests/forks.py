"""Processes that are forked from one that has imported Greenroom: the imports take longer than most tests of a process.

`python -m tests.forks N` is that process. It reads requests from the socket N until the other end is closed.
"""

import asyncio
import atexit
import gc
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
import traceback
from asyncio import StreamReader
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import IO, Any, NoReturn

from cli.main import COMMANDS
from shared.roster import SERVICES

ROOT = Path(__file__).parent.parent
IMPORTED = (
    *(f"cli.{name}" for name in COMMANDS),
    *(f"{service.module}.app" for service in SERVICES),
    *("cli.kit.house", "cli.kit.run", "grpc.aio", "tests.durable.killable", "tests.model_stub"),
)
LONGEST = 1 << 20
"""Bytes of a request at most."""


@dataclass
class Forked:
    """A process like one of asyncio. returncode: None until `wait` or `communicate` returned."""

    pid: int
    stdout: StreamReader
    stderr: StreamReader
    _statuses: StreamReader = field(repr=False)
    returncode: int | None = None

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it with SIGKILL."""
        self.send_signal(signal.SIGKILL)

    async def wait(self) -> int:
        """Wait for its end and return the exit status; negative for a signal."""
        if self.returncode is None:
            self.returncode = int(await self._statuses.readline())
        return self.returncode

    async def communicate(self) -> tuple[bytes, bytes]:
        """Wait for its end and return what it wrote to stdout and stderr."""
        out, err = await asyncio.gather(self.stdout.read(), self.stderr.read())
        await self.wait()
        return out, err


async def fork(module: str, *arguments: str, environment: Mapping[str, str], errors: IO[bytes] | None = None) -> Forked:
    """Run `python -m module` with exactly this environment and no input.

    errors: a file that takes its stderr; nothing is read from `stderr` then.
    """
    request = {"module": module, "arguments": arguments, "environment": dict(environment), "folder": str(Path.cwd())}
    ends = [os.pipe() for _ in range(3)]
    stdout, stderr, status = (end for _, end in ends)
    sent = [os.open(os.devnull, os.O_RDONLY), stdout, stderr if errors is None else errors.fileno(), status]
    socket.send_fds(_forker(), [json.dumps(request).encode()], sent)
    for descriptor in (sent[0], stdout, stderr, status):
        os.close(descriptor)
    out, err, statuses = [await _reader(start) for start, _ in ends]
    return Forked(int(await statuses.readline()), out, err, statuses)


async def _reader(descriptor: int) -> StreamReader:
    """Reads a pipe."""
    reader = StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", buffering=0)
    )
    return reader


@cache
def _forker() -> socket.socket:
    """The socket to this process's own `python -m tests.forks`, which is started now."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    number = theirs.fileno()
    # Pipes, because the processes take over their buffers and write to pipes.
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.forks", str(number)],
        cwd=ROOT,
        pass_fds=[number],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    theirs.close()
    atexit.register(process.communicate)
    atexit.register(ours.close)
    return ours


def _serve(requests: socket.socket) -> None:
    """Fork a process for each request, until the other end of the socket is closed."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that wait
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        message, descriptors, *_ = socket.recv_fds(requests, LONGEST, 4)
        if not message:
            return
        if os.fork() == 0:
            requests.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            _run(json.loads(message), *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _run(request: dict[str, Any], stdin: int, stdout: int, stderr: int, status: int) -> NoReturn:
    """Run the module in a further process; write its id, then its exit status, to `status`."""
    if pid := os.fork():
        for descriptor in (stdin, stdout, stderr):
            os.close(descriptor)
        os.write(status, b"%d\n" % pid)
        os.write(status, b"%d\n" % os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        os._exit(0)
    os.close(status)
    for descriptor, number in ((stdin, 0), (stdout, 1), (stderr, 2)):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv[1:] = request["arguments"]
    os._exit(_ended(request["module"]))


def _ended(module: str) -> int:
    """Run the module, end as Python does except that nothing is freed, which would take long, and return the status."""
    status = 0
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        status = 1
        traceback.print_exc()
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    return status


if __name__ == "__main__":
    for name in IMPORTED:
        import_module(name)
    gc.collect()
    gc.freeze()
    _serve(socket.socket(fileno=int(sys.argv[1])))
