"""What importing conversations costs beside reading their JSON, whether memory stays flat, and whether others wait.

Ours: a synthesizer in its own process imports chats of ten messages over gRPC, while this process checks its health
every 5 ms. For comparison: `json.loads` of the same lines. Both are processor time,
so that a busy machine matters less. Each chat has an e-mail address and a telephone number;
as many other chats are imported with redaction.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import Iterator
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


def run(quick: bool) -> bool:
    """Measure, report, and return whether the gates held."""
    return asyncio.run(_run(quick))


async def _run(quick: bool) -> bool:
    gate = gates(TOPIC)
    work = gate["quick" if quick else "full"]
    times, reading, grown, health, idle, redacted = [], [], [], [], [], []
    for number in range(work["rounds"]):
        with tempfile.TemporaryDirectory() as folder, server("services.synthesizer") as process:
            file = Path(folder) / "chats.jsonl"
            file.write_text("".join(f"{line}\n" for line in _chats(work["messages"] // MESSAGES, number)))
            reading.append(_reading(file))
            async with connect(process.address) as client:
                first = Path(folder) / "first.jsonl"
                first.write_text("".join(f"{line}\n" for line in _chats(500, -1)))
                await client.sources.import_file(first)  # starts the worker
                idle.append(await slowest_health(process.address, asyncio.sleep(1)))
                before = process.resident_mb(), process.processor_seconds()
                importing = _Import(client, file, process)
                health.append(await slowest_health(process.address, importing.run()))
                grown.append(importing.peak_mb - before[0])
                times.append(process.processor_seconds() - before[1])
                file.write_text("".join(f"{line}\n" for line in _chats(work["messages"] // MESSAGES, number + 1_000)))
                start = process.processor_seconds()
                await _Import(client, file, process, Redaction(mode=Redaction.MODE_ON)).run()
                redacted.append(process.processor_seconds() - start)
    ratios = [ours / theirs for ours, theirs in zip(times, reading, strict=True)]
    slower = [theirs / ours for theirs, ours in zip(redacted, times, strict=True)]
    print(f"{median(times):.2f} s of processor time beside {median(reading):.2f} s")
    return report(
        TOPIC,
        [
            limited(gate["time"], "×", ratios, samples={"ours": times, "json": reading}),
            limited(gate["memory"], "MB", grown),
            limited(gate["health"], "ms", health, beside=idle),
            limited(gate["redacted"], "×", slower, samples={"redacted": redacted}),
        ],
    )


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
    """Seconds of processor time that `json.loads` of all lines takes."""
    lines = file.read_bytes().splitlines()
    start = time.process_time()
    for line in lines:
        json.loads(line)
    return time.process_time() - start
