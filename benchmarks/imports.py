"""What importing conversations costs beside reading their JSON, whether memory stays flat, and whether others wait.

Ours: a synthesizer in its own process imports chats of ten messages over gRPC. For comparison: `json.loads` of the same
lines, before and after the import. Both are processor time, so that a busy machine matters less. Each chat has an
e-mail address and a telephone number. Further imports of as many other chats measure the rest: one while this process
checks the server's health every 5 ms, which takes processor time itself, and one with redaction.

The parts of the time are printed, too. Workers read; the server receives and passes on, as a preview shows, which
stores nothing; what is left is storing. Beside it is what SQLite alone takes for the same rows in the same tables.
"""

import asyncio
import json
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.hostile import slowest_health
from benchmarks.results import gates, limited, report
from benchmarks.servers import Server, server
from greenroom.client import Client, connect
from greenroom.synthesizer.v1.import_pb2 import Redaction

TOPIC = "imports"
MESSAGES = 10
"""Messages of a chat."""
_SYSTEM = {"role": "system", "content": "You help the customers of a lamp shop. Be brief and kind. " * 5}
_PASSES = 10
"""How often all lines are read, so that it takes about as long as the import and meets the same load of the machine."""
_AT_ONCE = 760
"""Rows of a transaction: as many as the server stores at once, because a slice of such lines has a mebibyte."""


@dataclass(frozen=True)
class _Round:
    """Seconds of processor time, MB and milliseconds.

    reading: `json.loads`. workers, receiving, storing: the parts of an import. sqlite: for its rows alone.
    """

    reading: float
    workers: float
    receiving: float
    storing: float
    sqlite: float
    redacted: float
    grown_mb: float
    health: float
    idle: float

    @property
    def importing(self) -> float:
        """All parts of an import."""
        return self.workers + self.receiving + self.storing


def run(quick: bool) -> bool:
    """Measure, report, and return whether the gates held."""
    gate = gates(TOPIC)
    work = gate["quick" if quick else "full"]
    rounds = [asyncio.run(_round(work["messages"] // MESSAGES, number)) for number in range(work["rounds"])]
    for part in ("workers", "receiving", "storing", "sqlite"):
        print(f"{part}: {median(getattr(one, part) / one.reading for one in rounds):.2f} × json.loads")
    samples = {part: [getattr(one, part) for one in rounds] for part in ("reading", "workers", "receiving", "storing")}
    return report(
        TOPIC,
        [
            limited(gate["time"], "×", [one.importing / one.reading for one in rounds], samples=samples),
            limited(gate["memory"], "MB", [one.grown_mb for one in rounds]),
            limited(gate["health"], "ms", [one.health for one in rounds], beside=[one.idle for one in rounds]),
            limited(gate["redacted"], "×", [one.redacted / one.reading for one in rounds]),
        ],
    )


async def _round(count: int, number: int) -> _Round:
    with tempfile.TemporaryDirectory() as name, server("services.synthesizer", folder=Path(name)) as process:
        first, alone, watched, hidden = (
            _file(Path(name), chats, 4 * number + part) for part, chats in enumerate((500, count, count, count))
        )
        async with connect(process.address) as client:
            await client.sources.import_file(first)  # starts the worker
            idle = await slowest_health(process.address, asyncio.sleep(1))
            before, times = process.resident_mb(), [_times(process)]
            await client.sources.preview_file(alone, format="openai")
            times.append(_times(process))
            reading = _reading(alone)
            importing = _Import(client, alone, process)
            await importing.run()
            times.append(_times(process))
            reading = (reading + _reading(alone)) / 2
            health = await slowest_health(process.address, _Import(client, watched, process).run())
            start = process.processor_seconds()
            await _Import(client, hidden, process, Redaction(mode=Redaction.MODE_ON)).run()
            redacted = process.processor_seconds() - start
        (server_before, _), (server_between, workers_between), (server_after, workers_after) = times
        receiving = server_between - server_before
        return _Round(
            reading=reading,
            workers=workers_after - workers_between,
            receiving=receiving,
            storing=server_after - server_between - receiving,
            sqlite=_sqlite_alone(Path(name) / "synthesizer.db", Path(name) / "alone.db", count),
            redacted=redacted,
            grown_mb=importing.peak_mb - before,
            health=health,
            idle=idle,
        )


def _times(process: Server) -> tuple[float, float]:
    """Processor time of the server itself, and of its workers."""
    own = process.own_seconds()
    return own, process.processor_seconds() - own


def _sqlite_alone(stored: Path, path: Path, count: int) -> float:
    """Seconds of processor time that SQLite takes to store the newest `count` sources in a new file."""
    with closing(sqlite3.connect(stored)) as server_file:
        tables = server_file.execute("SELECT sql FROM sqlite_master WHERE tbl_name = 'sources' AND sql IS NOT NULL")
        statements = [sql for (sql,) in tables]
        rows = server_file.execute("SELECT * FROM sources ORDER BY id DESC LIMIT ?", (count,)).fetchall()
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        for statement in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", *statements):
            file.execute(statement)
        insert = f"INSERT INTO sources VALUES ({', '.join('?' * len(rows[0]))})"
        start = time.process_time()
        for first in range(0, len(rows), _AT_ONCE):
            file.execute("BEGIN")
            file.executemany(insert, rows[first : first + _AT_ONCE])
            file.execute("COMMIT")
        return time.process_time() - start


class _Import:
    """Imports a file, and looks at the server's memory meanwhile."""

    def __init__(self, client: Client, file: Path, process: Server, redaction: Redaction | None = None) -> None:
        self._client = client
        self._file = file
        self._process = process
        self._redaction = redaction
        self.peak_mb = 0.0

    async def run(self) -> None:
        """Import the file; every line must be imported."""
        importing = asyncio.create_task(
            self._client.sources.import_file(self._file, format="openai", redaction=self._redaction)
        )
        while not importing.done():
            self.peak_mb = max(self.peak_mb, self._process.resident_mb())
            await asyncio.wait([importing], timeout=0.05)
        summary = await importing
        assert not summary.refused, summary.problems[0]
        assert not summary.unchanged


def _file(folder: Path, count: int, number: int) -> Path:
    """A file of chats that no file with another number has."""
    file = folder / f"chats-{number}.jsonl"
    file.write_text("".join(f"{line}\n" for line in _chats(count, number)))
    return file


def _chats(count: int, round_number: int) -> Iterator[str]:
    for chat in range(count):
        called = f"I am ann{chat}@x.org, call me at +49 171 {1_000_000 + chat}."
        messages = [_SYSTEM, {"role": "user", "content": called}]
        for number in range(2, MESSAGES):
            order = f"{round_number}-{chat}-{number}"
            asked = f"Hello, where is my order {order}, please? I have been waiting for it since Monday."
            told = f"I have found your order {order}. It left our warehouse yesterday and arrives tomorrow."
            messages.append(
                {"role": "assistant", "content": told} if number % 2 else {"role": "user", "content": asked}
            )
        yield json.dumps({"messages": messages})


def _reading(file: Path) -> float:
    """Seconds of processor time that `json.loads` of all lines takes, the mean of some passes."""
    lines = file.read_bytes().splitlines()
    start = time.process_time()
    for _ in range(_PASSES):
        for line in lines:
            json.loads(line)
    return (time.process_time() - start) / _PASSES
