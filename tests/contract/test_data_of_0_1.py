"""A data folder that 0.1 left behind when it was killed: today's services open it, read it and continue its work."""

import json
import sqlite3
import tarfile
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Boolean, Connection, MetaData
from sqlalchemy.ext.asyncio import create_async_engine

from greenroom.client import Client
from greenroom.synthesizer.v1.conversation_pb2 import Conversation
from greenroom.testdata.v1.trace_dataset_pb2 import Dataset
from greenroom.testdata.v1.trace_learning_pb2 import Learning
from services.synthesizer.app import MIGRATIONS as SYNTHESIZER
from services.testdata.app import MIGRATIONS as TESTDATA
from shared.model.digest import transcript_digest
from shared.model.events import Event, unpack
from tests import datasets
from tests.data_of_0_1.reading import Answers, everything
from tests.data_of_0_1.requests import EVENTS, PART, REQUESTS, REQUESTS_UNDER_WAY, SIZE, batch_spec, dataset_spec
from tests.postgres import PostgresServer
from tests.rehearsals import check_order, feed, over, rows
from tests.suite import suite

PACKED = Path(__file__).parents[1] / "data_of_0_1" / "data.tar.gz"
NEVER_CHANGES = {"name", "spec", "creator", "create_time", "persona", "location", "workflow_digest", "algorithm"}


@dataclass(frozen=True, slots=True)
class Left:
    """The data that 0.1 left behind.

    folder: the data folder. urls: the databases of the two services. requests: the answer to each request by its id.
    answers: every resource as 0.1 last returned it.
    """

    folder: Path
    urls: tuple[str, ...]
    requests: Mapping[str, Any]
    answers: Answers

    def name(self, key: str) -> str:
        """The name of the resource that a request created."""
        return str(self.requests[key]["name"])

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Client]:
        """A client of today's services on this data."""
        async with suite(self.urls[0], self.folder, others={"testdata": self.urls[1]}) as greenroom:
            yield greenroom.client


@pytest.fixture(params=["sqlite", "postgresql"])
async def left(request: pytest.FixtureRequest, tmp_path: Path) -> Left:
    """The data for one test, once in its SQLite files and once copied to PostgreSQL."""
    return await unpacked(request, tmp_path / "data")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def opened(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Left, Client]]:
    """The data, and a client of today's services on it, for tests that change nothing."""
    left = await unpacked(request, tmp_path_factory.mktemp("left") / "data")
    async with left.opened() as client:
        yield left, client


async def unpacked(request: pytest.FixtureRequest, folder: Path) -> Left:
    """The data in this folder."""
    with tarfile.open(PACKED) as packed:
        packed.extractall(folder, filter="data")
    files = folder / "synthesizer.db", folder / "testdata.db"
    with closing(sqlite3.connect(files[1])) as testdata:
        testdata.execute("UPDATE datasets SET location = replace(location, '/data', ?)", [str(folder)])
        testdata.commit()
    urls = tuple(f"sqlite+aiosqlite:///{file}" for file in files)
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        urls = server.create_database(), server.create_database()
        for url, file, migrations in zip(urls, files, (SYNTHESIZER, TESTDATA), strict=True):
            await copy_rows(file, url, migrations)
            file.unlink()
    read = json.loads((folder / "answers.json").read_text().replace('"/data/', f'"{folder}/'))
    return Left(folder, urls, read["requests"], read["answers"])


async def copy_rows(file: Path, url: str, migrations: Path) -> None:
    """Fill an empty database with the tables of 0.1 and the rows of an SQLite file."""

    def fill(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(migrations))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        metadata = MetaData()
        with closing(sqlite3.connect(file)) as stored:
            stored.row_factory = sqlite3.Row
            command.upgrade(config, stored.execute("SELECT version_num FROM alembic_version").fetchone()[0])
            metadata.reflect(connection)
            for table in metadata.sorted_tables:
                flags = {column.name for column in table.c if isinstance(column.type, Boolean)}
                found = [
                    {name: bool(row[name]) if name in flags else row[name] for name in row.keys()}  # noqa: SIM118
                    for row in stored.execute(f"SELECT * FROM {table.name}")
                ]
                if found and table.name != "alembic_version":
                    connection.execute(table.insert(), found)

    engine = create_async_engine(url)
    async with engine.begin() as conn:
        await conn.run_sync(fill)
    await engine.dispose()


def same(then: Any, now: Any) -> bool:
    """True if `now` has everything that `then` has; it may have new fields."""
    match then:
        case dict():
            return isinstance(now, dict) and all(key in now and same(value, now[key]) for key, value in then.items())
        case list():
            return isinstance(now, list) and len(then) == len(now) and all(map(same, then, now))
        case _:
            return bool(then == now)


def is_over(answer: Mapping[str, Any]) -> bool:
    return answer.get("state", "STATE_OVER") not in ("STATE_PENDING", "STATE_RUNNING", "STATE_GENERATING")


async def test_everything_that_0_1_stored_is_read_as_it_was(opened: tuple[Left, Client]) -> None:
    left, client = opened

    now = await everything(client)

    assert now.keys() == left.answers.keys()
    for name, then in left.answers.items():
        whole = left.answers["/".join(name.split("/")[:2])]
        whole = next((part for part in whole.values() if isinstance(part, dict) and "state" in part), whole)
        if is_over(whole):
            assert same(then, now[name]), name
        elif name.endswith("/events"):
            assert same(then, now[name][: len(then)]), name
        elif not name.endswith("/results"):
            then, found = then.get("learning", then), now[name].get("learning", now[name])
            assert same({key: value for key, value in then.items() if key in NEVER_CHANGES}, found), name


async def test_a_request_id_of_0_1_still_returns_the_first_result(opened: tuple[Left, Client]) -> None:
    left, client = opened
    for key, send in {**REQUESTS, **REQUESTS_UNDER_WAY}.items():
        again = await send(client, left.folder / "examples", key)
        first = left.requests[key]
        if "name" in first:
            assert again.name == first["name"], key  # type: ignore[attr-defined]
    appended = await client.conversations.append(left.name("open-manual"), EVENTS, request_id="open-manual-events")
    assert [event.seq for event in appended] == [2, 3]
    assert (await everything(client)).keys() == left.answers.keys(), "a request that was sent again made something"


async def test_a_batch_that_0_1_left_half_done_completes_without_a_gap_or_a_repeat(
    opened: tuple[Left, Client],
) -> None:
    left, client = opened
    half_done = left.name("half-done")
    done = await over(client, half_done)
    found = await rows(client, half_done)
    events = await feed(left.urls[0], half_done)

    assert done.counts.completed == SIZE
    check_order(events)
    for row in left.answers[f"{half_done}/results"]:
        if row["state"] == "STATE_COMPLETED":
            assert found[row.get("index", 0)].digest == row["digest"]
    by_stream: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        by_stream[event.stream].append(unpack(event.payload))
    assert {row.digest for row in found.values()} == {transcript_digest(each) for each in by_stream.values()}
    usages = [event.usage for each in by_stream.values() for event in each]
    assert sum(usage.model_calls for usage in usages if usage is not None) == done.usage.model_calls


async def test_what_0_1_had_made_can_be_run_retried_and_finished(left: Left) -> None:
    State = Conversation.State  # noqa: N806
    async with left.opened() as client:
        created = await client.batches.run(left.name("created"))
        today = await client.batches.start(batch_spec(left.folder / "examples"))
        for batch in (created, today):
            assert (await over(client, batch.name)).counts.completed == SIZE
        assert await rows(client, created.name) == await rows(client, today.name)
        manual = left.name("open-manual")
        await client.conversations.append(manual, EVENTS, expected_last_seq=3)
        assert (await client.conversations.finish(manual)).state == State.STATE_COMPLETED
        await client.conversations.retry(left.name("unreachable-agent"))
        async with client.conversations.watch(left.name("unreachable-agent")) as failing:
            assert [event.seq async for event in failing][:4] == [1, 2, 3, 4]
        assert failing.summary is not None
        assert (failing.summary.state, failing.summary.attempt) == (State.STATE_FAILED, 2)
        await client.batches.delete(left.name("completed"))


async def test_datasets_and_learnings_that_0_1_left_half_done_go_on_with_the_same_rows(left: Left) -> None:
    async with left.opened() as client:
        await client.traces.datasets.retry(left.name("crashed"))
        for key, parts in (("begun", 1), ("crashed", 1), ("one-part", 2)):
            done = await datasets.over(client, left.name(key))
            assert (done.state, done.parts_done) == (Dataset.State.STATE_COMPLETED, parts), done.detail
        learning = left.name("learning")
        async with client.traces.learnings.watch(learning) as progress:
            async for _ in progress:
                pass
        learned = await client.traces.learnings.get(learning)
        assert learned.learning.state == Learning.State.STATE_COMPLETED
        assert learned.learning.learned.session_count == 500
        today = await datasets.written(client, dataset_spec(500))
        then = await client.traces.datasets.get(left.name("written"))

    assert (today.workflow_digest, today.algorithm) == (then.workflow_digest, then.algorithm)
    old, new = (pq.read_table(Path(one.location) / "part-00000.parquet") for one in (then, today))
    assert new.equals(old)
    # The manifest lists the part that 0.1 wrote as 0.1 recorded it. Today's code wrote the next part.
    first, second = json.loads((left.folder / "output/one-part/manifest.json").read_text())["files"]
    assert (first["session_count"], second["session_count"]) == (PART, 500)
    written = left.folder / "output/one-part" / second["file"]
    assert second["sha256"] == sha256(written.read_bytes()).hexdigest()
