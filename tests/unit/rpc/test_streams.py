"""The watch contract: batches, heartbeats, and an end that loses nothing."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Any

import pytest

from shared.rpc import streams
from shared.rpc.streams import MESSAGE_BYTES, Draining, ServerDraining, watch

NEVER = 1e6
Pages = AsyncGenerator[Sequence[int], None]


class Source:
    """Pages that a test supplies one by one; None is the end."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Sequence[int] | None] = asyncio.Queue()
        self.read = 0
        self.closed = asyncio.Event()

    async def pages(self) -> Pages:
        try:
            while (page := await self.queue.get()) is not None:
                self.read += 1
                yield page
        finally:
            self.closed.set()


def one_byte(item: int) -> int:
    return 1


def watching(
    source: Source, *, silence: float = NEVER, gather: float = 0.0, size: Callable[[int], int] = one_byte
) -> AsyncGenerator[Any, None]:
    return watch(
        source.pages(),
        message=lambda items: list(items),
        heartbeat=lambda newest: f"heartbeat after {newest}",
        size=size,
        first=silence,
        silence=silence,
        gather=gather,
    )


async def test_the_first_item_after_idleness_goes_at_once() -> None:
    source = Source()
    async with aclosing(watching(source, gather=NEVER)) as messages:
        source.queue.put_nowait([1])

        assert await anext(messages) == [1]


async def test_what_comes_soon_after_is_gathered_into_one_message() -> None:
    source = Source()
    async with aclosing(watching(source, gather=0.05)) as messages:
        source.queue.put_nowait([1])
        await anext(messages)
        for number in range(2, 6):
            source.queue.put_nowait([number])

        assert await anext(messages) == [2, 3, 4, 5]


async def test_a_hundred_items_do_not_wait_for_more() -> None:
    source = Source()
    async with aclosing(watching(source, gather=NEVER)) as messages:
        source.queue.put_nowait([0])
        await anext(messages)
        for number in range(100):
            source.queue.put_nowait([number])

        assert await anext(messages) == list(range(100))


async def test_a_large_page_goes_as_messages_of_a_hundred() -> None:
    source = Source()
    source.queue.put_nowait(range(250))
    source.queue.put_nowait(None)

    assert [len(message) async for message in watching(source)] == [100, 100, 50]


async def test_a_message_has_no_more_than_its_bytes_and_a_larger_item_goes_alone() -> None:
    source = Source()
    half, whole = MESSAGE_BYTES // 2, MESSAGE_BYTES
    source.queue.put_nowait([half, half, 1, whole, whole + 1, whole + 2, 2, 3])
    source.queue.put_nowait(None)

    messages = [message async for message in watching(source, gather=NEVER, size=lambda item: item)]

    assert messages == [[half, half], [1], [whole], [whole + 1], [whole + 2], [2, 3]]


async def test_what_fills_a_message_does_not_wait_for_more() -> None:
    source = Source()
    async with aclosing(watching(source, gather=NEVER, size=lambda item: item)) as messages:
        source.queue.put_nowait([1])
        await anext(messages)
        source.queue.put_nowait([MESSAGE_BYTES])
        source.queue.put_nowait([2])

        assert await anext(messages) == [MESSAGE_BYTES]


async def test_the_end_of_the_pages_sends_what_is_held_and_ends_the_watch() -> None:
    source = Source()
    for page in ([1], [2], [3], None):
        source.queue.put_nowait(page)

    messages = [message async for message in watching(source, gather=NEVER)]

    assert messages == [[1], [2, 3]]
    assert source.closed.is_set()


async def test_silence_brings_heartbeats_with_the_newest_item() -> None:
    source = Source()
    async with aclosing(watching(source, silence=0.2)) as messages:
        assert await anext(messages) == "heartbeat after None"
        source.queue.put_nowait([7])
        assert await anext(messages) == [7]
        assert await anext(messages) == "heartbeat after 7"
        assert await anext(messages) == "heartbeat after 7"


async def test_a_watch_of_something_quiet_begins_with_a_heartbeat() -> None:
    source = Source()
    pages, size = source.pages(), one_byte
    watched = watch(pages, message=list, heartbeat=lambda _: ["beat"], size=size, first=0.01, silence=NEVER)
    async with aclosing(watched) as messages:
        assert await anext(messages) == ["beat"]
        source.queue.put_nowait([1])
        assert await anext(messages) == [1]


async def test_empty_pages_are_silence() -> None:
    source = Source()
    async with aclosing(watching(source, silence=0.2)) as messages:
        source.queue.put_nowait([])

        assert await anext(messages) == "heartbeat after None"


async def test_a_drain_ends_the_watch_with_its_newest_cursor() -> None:
    source, drain, got = Source(), asyncio.Event(), list[object]()

    async def reading() -> None:
        async with Draining(drain).guard("/x.Y/Watch", None):  # type: ignore[arg-type]
            async for message in watching(source):
                got.append(message)
                drain.set()

    source.queue.put_nowait([1])
    with pytest.raises(ServerDraining):
        await asyncio.create_task(reading())
    assert got == [[1], "heartbeat after 1"]
    assert source.closed.is_set()


async def test_cancelling_the_reader_closes_the_pages_and_is_not_swallowed() -> None:
    source = Source()
    reader = asyncio.create_task(anext(watching(source)))
    await asyncio.sleep(0)

    reader.cancel()

    with pytest.raises(asyncio.CancelledError):
        await reader
    await source.closed.wait()


async def test_a_stalled_reader_is_not_read_ahead_for() -> None:
    source = Source()
    for _ in range(50):
        source.queue.put_nowait(range(100))
    async with aclosing(watching(source)) as messages:
        await anext(messages)
        for _ in range(100):
            await asyncio.sleep(0)

        assert source.read <= 2


async def test_an_error_of_the_pages_is_the_watchs_error() -> None:
    async def failing() -> Pages:
        yield [1]
        raise ZeroDivisionError

    messages = watch(failing(), message=list, heartbeat=lambda _: [], size=one_byte, gather=0)
    assert await anext(messages) == [1]
    with pytest.raises(ZeroDivisionError):
        await anext(messages)


async def test_a_watch_ends_after_so_many_bytes_and_continues_at_its_cursor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "WATCH_BYTES", 10)
    source = Source()
    source.queue.put_nowait([1, 2, 3])
    source.queue.put_nowait([4, 5, 6])
    watched = watching(source, size=lambda _: 4)

    assert await anext(watched) == [1, 2, 3]
    with pytest.raises(streams.WatchTooLong):
        await anext(watched)
    assert source.closed.is_set()
