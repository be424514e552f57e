# mypy: ignore-errors
# It runs with the code of another commit.
"""Makes data.tar.gz: a data folder as 0.1 leaves it when it is killed. Runs with the code of commit dab43a9.

git worktree add /tmp/old dab43a9
cp -r tests/data_of_0_1 /tmp/old/tests/
cd /tmp/old && PYTHONPATH=.:client:protos/gen python -m tests.data_of_0_1.make
"""

import asyncio
import json
import os
import shutil
import signal
import sqlite3
import tarfile
import tempfile
from contextlib import closing
from pathlib import Path

from google.protobuf.json_format import MessageToDict

from greenroom.client import Client
from shared.db.appends import Append, Appended
from shared.db.writer import Writer
from shared.llm.base import ChatModel, ChatReply, ChatRequest
from shared.llm.providers import open_model
from tests.data_of_0_1.reading import everything
from tests.data_of_0_1.requests import EVENTS, REQUESTS, REQUESTS_UNDER_WAY, SIZE, dataset_learned
from tests.processes import workers
from tests.suite import EXAMPLES, suite

HERE = Path(__file__).parent
_store = Writer.append


class Hold:
    """Lets models and writers hang, so that work stays half done."""

    def __init__(self) -> None:
        self.models = False
        self.appends: int | None = None
        self.hung = 0

    def open(self, name: str) -> ChatModel:
        """The model of that name. While `models` is set, it hangs in the conversations of a batch's second half."""
        model, hold = open_model(name), self

        class Held:
            async def complete(self, request: ChatRequest) -> ChatReply:
                if hold.models and (request.index >= SIZE - 2 or (request.index >= SIZE // 2 and request.seq > 12)):
                    await hold.hang()
                return await model.complete(request)

        return Held()

    async def append(self, writer: Writer, append: Append) -> Appended:
        """Store, unless a stream would grow beyond `appends` events."""
        if self.appends is not None and append.expected > self.appends:
            await self.hang()
        return await _store(writer, append)

    async def hang(self) -> None:
        """Never return."""
        self.hung += 1
        await asyncio.Event().wait()

    async def until(self, hung: int) -> None:
        """Wait until this many calls hang."""
        while self.hung < hung:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def finish(client: Client, folder: Path) -> dict[str, dict[str, object]]:
    """Send the requests whose work 0.1 finishes or never begins; returns the answers."""
    answers = {}
    for key, send in REQUESTS.items():
        answer = await send(client, folder, key)
        answers[key] = MessageToDict(answer, preserving_proto_field_name=True)
        name = answer.DESCRIPTOR.name
        if key in ("cancelled", "aborted"):
            nouns = client.batches if name == "Batch" else client.traces.datasets
            await nouns.cancel(answer.name)
        if key == "crashed":
            while (await client.traces.datasets.get(answer.name)).reason != "PART_FAILED":
                for worker in workers():
                    os.kill(worker, signal.SIGKILL)
                await asyncio.sleep(0.01)
        if key in ("finished-manual", "open-manual"):
            await client.conversations.append(answer.name, EVENTS, request_id=f"{key}-events")
        if key == "finished-manual":
            await client.conversations.finish(answer.name)
        if key in ("completed", "alone", "unreachable-agent", "written", "aborted"):
            nouns = {"Batch": client.batches, "Conversation": client.conversations}.get(name, client.traces.datasets)
            async with nouns.watch(answer.name) as events:
                async for _ in events:
                    pass
    async with client.traces.learnings.watch((await dataset_learned(client, "learned")).name) as progress:
        async for _ in progress:
            pass
    return answers


async def leave_half_done(client: Client, folder: Path, hold: Hold) -> dict[str, dict[str, object]]:
    """Send the requests whose work hangs half done; returns the answers."""
    answers = {}
    for key, appends in (("begun", 1), ("one-part", 2), ("learning", 0), ("half-done", None)):
        hold.appends, hold.models = appends, appends is None
        hung = hold.hung
        answer = await REQUESTS_UNDER_WAY[key](client, folder, key)
        answers[key] = MessageToDict(answer, preserving_proto_field_name=True)
        if appends is not None:
            await hold.until(hung + 1)
            continue
        await hold.until(hung + SIZE - SIZE // 2)
        while (await client.batches.get(answer.name)).counts.completed < SIZE // 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return answers


async def main() -> None:
    """Make the data and save what 0.1 answers just before it is killed."""
    work, hold = Path(tempfile.mkdtemp()), Hold()
    data, packed = work / "data", work / "packed"
    examples = packed / "examples"
    examples.mkdir(parents=True)
    data.mkdir()
    for example in EXAMPLES.iterdir():
        shutil.copy(example, examples)
    os.environ["GREENROOM_TRACE_JOBS"] = "4"
    Writer.append = lambda self, append: hold.append(self, append)  # type: ignore[method-assign]
    async with suite("sqlite", data, models=hold.open, testdata_url="sqlite") as greenroom:
        client = greenroom.client
        requests = await finish(client, examples) | await leave_half_done(client, examples, hold)
        answers = await everything(client)
        for database in ("synthesizer.db", "testdata.db"):
            with closing(sqlite3.connect(data / database)) as live, closing(sqlite3.connect(packed / database)) as copy:
                live.backup(copy)
        hold.appends, hold.models = None, False
    # The file of a part with a million sessions is too large to keep; its row in the event log is kept.
    left_out = shutil.ignore_patterns(".part-*", "part-0000[0-9].parquet")
    shutil.copytree(data / "output", packed / "output", ignore=left_out)
    shutil.copy(data / "output" / "written" / "part-00000.parquet", packed / "output" / "written")
    with closing(sqlite3.connect(packed / "testdata.db")) as copy:
        copy.execute("UPDATE datasets SET location = replace(location, ?, '/data')", [str(data)])
        copy.commit()
    text = json.dumps({"requests": requests, "answers": answers}, ensure_ascii=False).replace(str(data), "/data")
    (packed / "answers.json").write_text(text)
    for database in ("synthesizer.db", "testdata.db"):
        with closing(sqlite3.connect(packed / database, isolation_level=None)) as copy:
            copy.execute("PRAGMA journal_mode = DELETE")
            copy.execute("VACUUM")
    with tarfile.open(HERE / "data.tar.gz", "w:gz") as archive:
        for path in sorted(packed.iterdir()):
            archive.add(path, path.name)
    shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    asyncio.run(main())
