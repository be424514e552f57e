"""Watching one conversation: every event arrives exactly once, from any cursor, to its end and across a retry."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from greenroom.client import GreenroomError
from greenroom.synthesizer.v1 import conversation_pb2 as pb
from services.synthesizer.conversations import servicer
from services.synthesizer.conversations.errors import ConversationNotFound
from services.synthesizer.conversations.messages import Watched
from shared.rpc.cursors import encode_token
from shared.rpc.streams import watch
from shared.rpc.watching import until_over
from tests.scripted import Held, Script, State, Theatre, leaves, refused, refuses, says


async def test_a_watch_has_every_event_once_and_ends_with_the_summary(stage: Theatre) -> None:
    started = await stage.client.conversations.start(stage.spec(Script(persona=[says("x")]), max_turns=5))

    async with stage.client.conversations.watch(started.name) as events:
        seen = [event async for event in events]

    assert seen == await stage.events(started.name)
    assert events.summary == await stage.client.conversations.get(started.name)


async def test_a_watch_continues_from_the_cursor_of_any_message(stage: Theatre) -> None:
    held = Held()
    started = await stage.client.conversations.start(stage.spec(Script(persona=[held, says("x"), leaves()])))
    await held.begun.wait()
    first = stage.client.conversations.watch(started.name)
    seen = [await anext(first), await anext(first)]
    await first.aclose()
    held.released.set()

    second = stage.client.conversations.watch(started.name, cursor=first.cursor)
    seen += [event async for event in second]

    assert seen == await stage.events(started.name)
    assert [event async for event in stage.client.conversations.watch(started.name, cursor=second.cursor)] == []


async def test_a_cursor_of_another_stream_is_refused(stage: Theatre) -> None:
    one, other = await stage.play(), await stage.play()
    watched = stage.client.conversations.watch(one.name)
    async for _ in watched:
        pass
    beyond = encode_token("conversations.watch", one.name, one.last_seq + 1)
    of_batch = encode_token("batches.watch", one.name, 1)

    for name, cursor, code, reason in (
        (other.name, watched.cursor, "INVALID_ARGUMENT", "CURSOR_FOREIGN"),
        (one.name, of_batch, "INVALID_ARGUMENT", "CURSOR_FOREIGN"),
        (one.name, "nonsense", "INVALID_ARGUMENT", "CURSOR_MALFORMED"),
        (one.name, watched.cursor[:-3], "INVALID_ARGUMENT", "CURSOR_MALFORMED"),
        (one.name, encode_token("conversations.watch", one.name, -1), "INVALID_ARGUMENT", "CURSOR_MALFORMED"),
        (one.name, encode_token("conversations.watch", one.name, [1]), "INVALID_ARGUMENT", "CURSOR_MALFORMED"),
        (one.name, encode_token("conversations.watch", one.name, True), "INVALID_ARGUMENT", "CURSOR_MALFORMED"),
        (one.name, beyond, "OUT_OF_RANGE", "CURSOR_EXPIRED"),
    ):
        async with refused(code, reason) as errors:
            await anext(stage.client.conversations.watch(name, cursor=cursor))
        if code == "INVALID_ARGUMENT":
            assert [violation.field for violation in errors[0].violations] == ["cursor"]


async def test_a_watch_ends_at_a_failure_and_continues_after_a_retry(stage: Theatre) -> None:
    failed = await stage.play(Script(persona=[refuses(), leaves()]))
    first = stage.client.conversations.watch(failed.name)
    seen = [event async for event in first]
    assert first.summary is not None
    assert first.summary.state == State.STATE_FAILED

    await stage.client.conversations.retry(failed.name)
    second = stage.client.conversations.watch(failed.name, cursor=first.cursor)
    seen += [event async for event in second]

    assert seen == await stage.events(failed.name)
    assert second.summary is not None
    assert second.summary.state == State.STATE_COMPLETED


async def test_watches_that_are_under_way_while_it_is_retried_lose_nothing(stage: Theatre) -> None:
    script = Script(persona=[refuses()] * 5 + [leaves()])
    started = await stage.client.conversations.start(stage.spec(script))
    name = started.name

    async def follow() -> list[int]:
        """Watch again and again until the conversation is completed, like an impatient reader."""
        seqs: list[int] = []
        cursor = ""
        while True:
            watched = stage.client.conversations.watch(name, cursor=cursor)
            seqs += [event.seq async for event in watched]
            cursor = watched.cursor
            assert watched.summary is not None
            assert watched.summary.last_seq == seqs[-1], "the summary is of the events that were sent"
            if watched.summary.state == State.STATE_COMPLETED:
                return seqs

    async def retry() -> None:
        while (await stage.over(name)).state == State.STATE_FAILED:
            try:
                await stage.client.conversations.retry(name)
            except GreenroomError as error:
                if error.reason != "CONVERSATION_NOT_FAILED":
                    raise

    *followed, _ = await asyncio.gather(*(follow() for _ in range(5)), retry())

    last = (await stage.client.conversations.get(name)).last_seq
    assert all(seqs == list(range(1, last + 1)) for seqs in followed)


async def test_a_quiet_watch_sends_heartbeats_with_a_valid_cursor(
    stage: Theatre, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held()
    started = await stage.client.conversations.start(stage.spec(Script(persona=[held, leaves()])))
    await held.begun.wait()
    monkeypatch.setattr(servicer, "watch", lambda *args, **more: watch(*args, **more, silence=1))
    stub = stage.client.conversations._stub
    call = stub.WatchConversation(pb.WatchConversationRequest(name=started.name))
    messages = call.__aiter__()

    events = await anext(messages)
    beat = await anext(messages)

    assert [len(events.events), len(beat.events)] == [2, 0]
    assert beat.cursor == events.cursor
    assert not beat.HasField("summary")
    call.cancel()
    held.released.set()
    rest = [event.seq async for event in stage.client.conversations.watch(started.name, cursor=beat.cursor)]
    assert rest[0] == 3


async def test_a_watch_ends_when_its_conversation_is_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.rpc.watching.QUIET", 0.01)
    closed, asked = asyncio.Event(), 0

    async def nothing() -> AsyncGenerator[list[Watched], None]:
        try:
            await asyncio.get_running_loop().create_future()
            yield []
        finally:
            closed.set()

    async def end() -> int | None:
        nonlocal asked
        asked += 1
        if asked == 3:
            raise ConversationNotFound(name="conversations/gone")
        return 5

    with pytest.raises(ConversationNotFound):
        await anext(until_over(nothing(), 4, lambda watched: watched.seq, end))
    assert closed.is_set()


async def test_the_work_continues_when_a_watcher_disconnects(stage: Theatre) -> None:
    held = Held()
    started = await stage.client.conversations.start(stage.spec(Script(persona=[held, leaves()])))
    async with stage.client.conversations.watch(started.name) as events:
        await anext(events)

    held.released.set()

    assert (await stage.over(started.name)).state == State.STATE_COMPLETED
