"""A model that is unavailable is asked again, within bounds; one that failed is not."""

import pytest

from shared.llm.base import ChatReply, ChatRequest, ModelRefused, ModelUnavailable
from shared.llm.retry import Retry
from tests.unit.llm.asking import HELLO, REQUEST, Asked, down
from tests.virtual_time import in_virtual_time, now


def first(errors: list[Exception]) -> Asked:
    """A model that raises these errors before it answers."""
    return Asked(lambda call: errors[call] if call < len(errors) else HELLO)


def retry(
    model: Asked, attempts: int = 5, throttled_seconds: float = 600, longest_pause: float = 30
) -> Retry[ChatRequest, ChatReply]:
    return Retry(model, attempts, throttled_seconds, longest_pause)


@in_virtual_time
async def test_an_outage_is_waited_for_with_growing_pauses() -> None:
    model = first([down(), down(), down()])

    assert await retry(model).complete(REQUEST) == HELLO

    pauses = [after - before for before, after in zip(model.times, model.times[1:], strict=False)]
    # stamina waits 0.1 s, doubles it each time, and adds up to a second at random.
    assert [low <= pause <= low + 1 for low, pause in zip((0.1, 0.2, 0.4), pauses, strict=True)] == [True] * 3


@pytest.mark.parametrize(("told", "waited"), [(7.0, 7.0), (0.0, 0.0), (3600.0, 30.0)])
def test_the_pause_that_the_provider_names_is_kept_up_to_the_longest(told: float, waited: float) -> None:
    @in_virtual_time
    async def asked() -> None:
        assert await retry(first([down(retry_after=told)])).complete(REQUEST) == HELLO
        assert now() == pytest.approx(waited)

    asked()


@in_virtual_time
async def test_the_last_attempt_raises_its_error() -> None:
    model = first([down() for _ in range(9)])

    with pytest.raises(ModelUnavailable):
        await retry(model, attempts=3).complete(REQUEST)

    assert len(model.times) == 3


@in_virtual_time
async def test_one_attempt_never_asks_again() -> None:
    model = first([down()])

    with pytest.raises(ModelUnavailable):
        await retry(model, attempts=1).complete(REQUEST)

    assert len(model.times) == 1


@in_virtual_time
async def test_refusals_for_asking_too_often_are_no_attempts_but_end_after_a_time() -> None:
    patient = first([down(throttled=True, retry_after=1.0) for _ in range(50)])
    assert await retry(patient, attempts=2).complete(REQUEST) == HELLO
    assert len(patient.times) == 51

    refused = first([down(throttled=True, retry_after=1.0) for _ in range(50)])
    with pytest.raises(ModelUnavailable):
        await retry(refused, throttled_seconds=20).complete(REQUEST)
    assert len(refused.times) == 21


@pytest.mark.parametrize("before", [0, 1])
def test_a_failure_is_final(before: int) -> None:
    refused = ModelRefused(model="acme:small", why="it was told so")
    model = first([*[down() for _ in range(before)], refused])

    @in_virtual_time
    async def asked() -> None:
        with pytest.raises(ModelRefused):
            await retry(model).complete(REQUEST)

    asked()
    assert len(model.times) == before + 1


@in_virtual_time
async def test_an_answer_passes_unchanged() -> None:
    reply = ChatReply("Hi.", milliseconds=3)
    assert await retry(Asked(lambda _: reply)).complete(REQUEST) is reply
