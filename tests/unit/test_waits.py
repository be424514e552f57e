"""What calls wait for is known while they wait, and forgotten when they end."""

import asyncio
from collections.abc import Sequence

from shared.llm.base import ChatReply, ChatRequest
from shared.llm.governor import Governor, Limits
from shared.waits import Waiting, Waits, waits_for
from tests.unit.llm.asking import HELLO, REQUEST
from tests.virtual_time import in_virtual_time


def test_a_call_without_an_answer_is_mentioned_after_a_while_and_no_more_when_it_ends() -> None:
    now = [0.0]
    waits = Waits(lambda: now[0])

    with waits.call("openai:m", "a batch", "a conversation"), waits.call("openai:m", "another"):
        assert not waits.of("a batch")
        now[0] = 7.0
        assert waits.of("a batch") == [Waiting("openai:m", "no answer yet", 1, 7.0, None)]
        assert waits.of("a conversation") == waits.of("a batch")

    assert not waits.of("a batch")


def test_a_call_that_was_refused_says_when_it_is_tried_again() -> None:
    now = [0.0]
    waits = Waits(lambda: now[0])

    with waits.call("openai:m", "a batch"):
        waits_for("it is busy", 10.0)
        now[0] = 4.0
        assert waits.of("a batch") == [Waiting("openai:m", "it is busy", 1, 4.0, 6.0)]
        waits_for("")
        assert not waits.of("a batch")


@in_virtual_time
async def test_a_call_that_its_providers_limits_hold_back_says_so_until_it_starts() -> None:
    waits, told = Waits(), list[Sequence[Waiting]]()

    class Looks:
        async def complete(self, request: ChatRequest) -> ChatReply:  # noqa: ARG002
            told.append(waits.of("a batch"))
            return HELLO

    governor = Governor(Looks(), Limits(requests_per_minute=1))
    await governor.complete(REQUEST)
    with waits.call("openai:m", "a batch"):
        asked = asyncio.ensure_future(governor.complete(REQUEST))
        await asyncio.sleep(0)
        [held] = waits.of("a batch")
        await asked

    assert held.why == "the limits of its provider let no other call start yet"
    assert told == [[], []]
