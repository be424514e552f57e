"""The recorder over the store of recordings, on both databases."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from services.synthesizer.app import MIGRATIONS
from services.synthesizer.recordings.store import RecordingStore
from shared.clock import wall_clock
from shared.db.engine import Database
from shared.db.migrate import migrate
from shared.llm.base import Caller, ChatReply, ModelRefused, ModelUnusable, ToolRequest
from shared.llm.recorder import Recorder, Replay
from shared.model.events import Usage
from tests.unit.llm.asking import REQUEST, Asked

ANSWER = ChatReply(
    "Well",
    (ToolRequest("find", {"order": 7}, "c1"),),
    Usage(1, 10, 5, 3, 99, 250, 1, 40),
    milliseconds=250,
    first_token=40,
)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[RecordingStore]:
    await migrate(database_url, MIGRATIONS)
    db = await Database.open(database_url)
    yield RecordingStore(db, wall_clock, retry_seconds=0.01)
    await db.close()


def caller(conversation: str = "one", attempt: int = 1) -> Caller:
    return Caller("acme", "", f"conversations/{conversation}", attempt)


async def test_an_answer_is_reused_in_the_attempt_that_recorded_it_whole_and_for_the_same_request_only(
    store: RecordingStore,
) -> None:
    model = Asked(lambda _: ANSWER)
    recorder = Recorder(model, store)
    assert await recorder.complete(replace(REQUEST, caller=caller())) == ANSWER

    assert await recorder.complete(replace(REQUEST, caller=caller())) == replace(ANSWER, recorded=True)
    assert len(model.requests) == 1

    for other in (
        replace(REQUEST, caller=caller(attempt=2)),
        replace(REQUEST, caller=caller("two")),
        replace(REQUEST, caller=caller(), repeat=1),
        replace(REQUEST, caller=caller(), system="Be brief."),
    ):
        assert not (await recorder.complete(other)).recorded
    assert len(model.requests) == 5


async def test_a_failure_is_replayed_unless_the_provider_refused_the_request(store: RecordingStore) -> None:
    errors = [ModelUnusable(model="acme:small", why="it is no JSON"), ModelRefused(model="acme:small", why="no key")]
    recorder = Recorder(Asked(lambda number: errors[number]), store)

    for _ in range(2):
        with pytest.raises(ModelUnusable, match="it is no JSON"):
            await recorder.complete(replace(REQUEST, caller=caller()))
    with pytest.raises(ModelRefused):
        await recorder.complete(replace(REQUEST, caller=caller(), seq=2))
    assert not (await Recorder(Asked(), store).complete(replace(REQUEST, caller=caller(), seq=2))).recorded


async def test_a_replay_takes_the_newest_recording_of_the_company(store: RecordingStore) -> None:
    answers = [ChatReply("old"), ChatReply("new")]
    recorder = Recorder(Asked(lambda number: answers[number]), store)
    for conversation in ("one", "two"):
        await recorder.complete(replace(REQUEST, caller=caller(conversation)))

    replayed = await Replay(store).complete(replace(REQUEST, caller=caller("three")))

    assert (replayed.text, replayed.recorded) == ("new", True)
