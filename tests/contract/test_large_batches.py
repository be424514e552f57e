"""Batches as large as they may be: they cost what they need, and keep nobody else waiting."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from greenroom.synthesizer.v1 import batch_pb2 as pb
from tests.scripted import Theatre, source_line, theatre


def spec(stage: Theatre, size: int, **fields: Any) -> pb.BatchSpec:
    """A batch of the theatre's procedure; what is not of the batch is of its conversations."""
    ours = {name: fields.pop(name) for name in list(fields) if name in pb.BatchSpec.DESCRIPTOR.fields_by_name}
    return pb.BatchSpec(conversation=stage.spec(persona="", **fields), size=size, **ours)


@contextmanager
def asked_of(*tables: str) -> Iterator[list[str]]:
    """The queries to these tables, as they are made."""
    asked: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.extend(table for table in tables if statement.startswith("SELECT") and f"FROM {table}" in statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(Engine, "before_cursor_execute", note)


async def test_more_sources_are_looked_up_with_no_more_queries(stage: Theatre) -> None:
    names = await stage.import_sources(*(source_line(f"many-{n}", procedure="orders") for n in range(40)))

    async def asked(count: int) -> list[str]:
        wanted = spec(stage, count, procedure="", sources=names[:count], linked_revisions=True)
        with asked_of("sources", "procedures", "revisions") as queries:
            await stage.client.batches.start(wanted, create_only=True)
        return sorted(queries)

    few = await asked(2)
    assert few
    assert await asked(40) == few


async def test_cancelling_only_asks_and_the_jobs_end_what_waits(database_url: str, tmp_path: Path) -> None:
    async with theatre(database_url, tmp_path) as stage:
        engine = stage.suite.app._engine
        await engine.stop()
        created = await stage.client.batches.start(spec(stage, 30), create_only=True)

        asked = await stage.client.batches.cancel(created.name)

        assert asked.counts == pb.BatchCounts(pending=30), "nobody waits while one after the other is ended"
        await engine.start()
        async with stage.client.batches.watch(created.name) as events:
            async for _ in events:
                pass
        assert events.summary is not None
        assert events.summary.state == pb.Batch.STATE_CANCELLED
        assert events.summary.counts == pb.BatchCounts(cancelled=30)
