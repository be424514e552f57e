"""A provider gets no more calls than it takes, and those who ask share them fairly."""

import asyncio
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest

from shared.llm.base import ChatReply, ChatRequest, ModelUnavailable, RateLimits
from shared.llm.governor import Governor, Limits, most_tokens
from shared.model.events import Usage
from tests.unit.llm.asking import HELLO, REQUEST, Asked, down, of
from tests.virtual_time import in_virtual_time, now


async def ask(governor: Governor[ChatRequest, ChatReply], times: int, request: ChatRequest = REQUEST) -> None:
    """Ask this often at once; refusals are no matter."""
    replies = await asyncio.gather(*(governor.complete(request) for _ in range(times)), return_exceptions=True)
    assert {type(reply) for reply in replies} <= {ChatReply, ModelUnavailable}


def most_in_a_minute(times: list[float], units: int = 1) -> int:
    """The most that started in any minute."""
    return units * max(sum(start <= time < start + 60 for time in times) for start in times)


@in_virtual_time
async def test_without_limits_every_call_starts_at_once() -> None:
    model = Asked(seconds=1)
    await ask(Governor(model, Limits()), 100)
    assert (now(), model.most_in_flight) == (1, 100)


@in_virtual_time
async def test_no_more_calls_than_allowed_are_in_flight() -> None:
    model = Asked(seconds=1)
    await ask(Governor(model, Limits(calls_in_flight=10)), 100)
    assert (now(), model.most_in_flight) == (10, 10)


@in_virtual_time
async def test_the_told_requests_are_not_exceeded_in_any_minute() -> None:
    model = Asked(seconds=7)
    governor = Governor(model, Limits(requests_per_minute=10))

    for _ in range(12):  # a dozen waves, five calls every thirteen seconds
        wave = asyncio.create_task(ask(governor, 5))
        await asyncio.sleep(13)
    await wave

    assert len(model.times) == 60
    assert most_in_a_minute(model.times) == 10


@in_virtual_time
async def test_the_told_tokens_are_not_exceeded_in_any_minute_and_unused_ones_are_given_back() -> None:
    used = 100
    model = Asked(lambda _: replace(HELLO, usage=Usage(1, 60, 40)), seconds=1)
    request = replace(REQUEST, max_tokens=497)
    assert most_tokens(request) == 499

    await ask(Governor(model, Limits(tokens_per_minute=1000)), 30, request)

    assert len(model.times) == 30
    assert most_in_a_minute(model.times, used) <= 1000
    assert model.most_in_flight == 2
    assert now() < 300  # with all reserved tokens kept, two calls a minute, it would be 900


@in_virtual_time
async def test_a_call_that_needs_more_tokens_than_a_minute_has_starts_alone() -> None:
    model = Asked(seconds=1)
    await ask(Governor(model, Limits(tokens_per_minute=100)), 2)
    assert (len(model.times), model.most_in_flight) == (2, 1)


@in_virtual_time
async def test_refusals_halve_the_calls_in_flight_and_answers_let_them_grow_again_one_by_one() -> None:
    model = Asked(lambda call: down(throttled=True) if call < 64 else HELLO, seconds=1)
    governor = Governor(model, Limits(calls_in_flight=64))
    await ask(governor, 64)

    await ask(governor, 400)

    by_second = Counter(model.times)
    assert [by_second[second] for second in range(6)] == [64, 32, 32, 33, 34, 35]


@in_virtual_time
async def test_refusals_never_stop_it() -> None:
    model = Asked(lambda call: down(throttled=True) if call % 2 else HELLO, seconds=0.1)
    await ask(Governor(model, Limits()), 1000)
    assert len(model.times) == 1000


@in_virtual_time
async def test_when_the_provider_says_that_nothing_is_left_the_rest_waits_until_it_resets() -> None:
    told = RateLimits(requests=3, requests_left=0, requests_reset=40.0)
    model = Asked(lambda _: replace(HELLO, limits=told), seconds=1)
    governor = Governor(model, Limits())
    await ask(governor, 3)

    await ask(governor, 2)

    assert model.times == [0, 0, 0, 41, 41]


@in_virtual_time
async def test_calls_that_start_later_count_against_what_the_provider_says_is_left() -> None:
    model = Asked(
        lambda call: replace(HELLO, limits=RateLimits(requests=20, requests_left=19 - call, requests_reset=40.0)),
        seconds=1,
    )
    governor = Governor(model, Limits(calls_in_flight=10))

    await ask(governor, 30)

    assert sum(time < 40 for time in model.times) == 20


@in_virtual_time
async def test_a_small_batch_does_not_wait_for_a_large_one() -> None:
    model = Asked(seconds=1)
    governor = Governor(model, Limits(calls_in_flight=5))
    large = asyncio.create_task(ask(governor, 10_000, of("acme", "batches/large")))
    await asyncio.sleep(0.5)

    await ask(governor, 10, of("acme", "batches/small"))

    # Every second 5 calls start, and half of them are of the small batch.
    assert now() <= 6
    large.cancel()


@in_virtual_time
async def test_companies_share_evenly_however_many_batches_they_have() -> None:
    model = Asked(seconds=1)
    governor = Governor(model, Limits(calls_in_flight=1))
    batches = [of("large", f"batches/{batch}") for batch in range(9)]

    async with asyncio.TaskGroup() as asking:
        for request in batches:
            asking.create_task(ask(governor, 10, request))
        asking.create_task(ask(governor, 10, of("small", "batches/only")))

    companies = [request.caller.company for request in model.requests]
    assert companies[:20].count("small") in (9, 10)
    # The first call found nobody else waiting.
    turns = [request.caller.batch for request in model.requests[1:] if request.caller.company == "large"]
    assert all(first != second for first, second in pairwise(turns))


@in_virtual_time
async def test_a_cancelled_call_gives_back_its_place_wherever_it_was() -> None:
    model = Asked(seconds=10)
    governor = Governor(model, Limits(calls_in_flight=2))
    calls = [asyncio.create_task(governor.complete(REQUEST)) for _ in range(6)]
    await asyncio.sleep(1)
    for call in calls[:4]:  # two in flight, two waiting, all at the same moment
        call.cancel()
    await asyncio.sleep(0)
    calls[4].cancel()  # its turn has just come

    assert (await calls[5]).text == "Hello."
    assert now() == 11
    assert [call.cancelled() for call in calls] == [True] * 5 + [False]

    await ask(governor, 2)
    assert (now(), model.most_in_flight) == (21, 2)


@in_virtual_time
async def test_a_failure_gives_back_its_place() -> None:
    model = Asked(lambda _: ValueError("a bug"))
    governor = Governor(model, Limits(calls_in_flight=1))
    for _ in range(3):
        with pytest.raises(ValueError, match="a bug"):
            await governor.complete(REQUEST)
