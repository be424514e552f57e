"""The bare event-log writer: how many durable events per second one process on this machine can store.

Other benchmarks compare themselves with it in the same run.

    python -m benchmarks.eventlog [--seconds 5] [--url URL]
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from shared.db.engine import Database
from shared.db.eventlog import Append, EventLog, NewEvent, NewStream, event_tables
from shared.db.tables import new_metadata
from shared.ids import new_id

PRODUCERS = 64
PAYLOAD = b"x" * 400


async def bare_writer_events_per_second(url: str, seconds: float) -> float:
    """Events per second that PRODUCERS tasks append. Each task appends to its own stream, one 400-byte event at a time.

    All streams share one feed. An append returns when the event is on disk. url: an empty database.
    """
    metadata = new_metadata()
    tables = event_tables(metadata)
    db = await Database.open(url)
    try:
        await db.writer.run(lambda conn: conn.run_sync(metadata.create_all))
        streams, log = [new_id() for _ in range(PRODUCERS)], EventLog(db, tables)
        feed = new_id()
        await db.writer.run(lambda conn: log.open_streams(conn, [NewStream(name, "bench", feed) for name in streams]))
        started = time.perf_counter()
        counts = await asyncio.gather(*(_produce(db, name, started + seconds) for name in streams))
        return sum(counts) / (time.perf_counter() - started)
    finally:
        await db.close()


async def _produce(db: Database, stream: str, until: float) -> int:
    seq = 0
    while time.perf_counter() < until:
        seq += 1
        await db.writer.append(Append(stream, seq, (NewEvent(new_id(), PAYLOAD),)))
    return seq


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--url", help="an empty database; a temporary SQLite file if not given")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = arguments.url or f"sqlite+aiosqlite:///{Path(folder) / 'eventlog.db'}"
        rate = asyncio.run(bare_writer_events_per_second(url, arguments.seconds))
    print(f"{rate:,.0f} events/s, {PRODUCERS} producers, {len(PAYLOAD)} bytes, {url.split(':')[0]}")


if __name__ == "__main__":
    main()
