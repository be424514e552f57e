"""The server sets the limit; a batch and an agent target may lower it for themselves."""

from collections.abc import AsyncIterator

import pytest

from tests.contract.agents import BusyAgent, served
from tests.contract.batches import over, spec
from tests.scripted import Script, Theatre, leaves, says


@pytest.fixture
async def agent() -> AsyncIterator[BusyAgent]:
    busy = BusyAgent()
    async with served(busy):
        yield busy


async def peak(stage: Theatre, agent: BusyAgent, expected: int, size: int, *limits: dict[str, int]) -> int:
    """The most concurrent calls of the agent while one batch per limit was played."""
    agent.expected = expected
    script = Script(persona=[says("x"), says("y"), leaves()])
    specs = [
        spec(stage, script, size, agent=agent.target(limit["agent"]), max_in_flight=limit["batch"]) for limit in limits
    ]
    started = [await stage.client.batches.start(one) for one in specs]
    for batch in started:
        assert (await over(stage, batch.name)).counts.completed == size
    return agent.peak


async def test_a_batch_runs_no_more_conversations_at_once_than_it_asks_for(stage: Theatre, agent: BusyAgent) -> None:
    assert await peak(stage, agent, 2, 12, {"batch": 2, "agent": 0}) == 2


async def test_a_batch_of_two_hundred_asks_an_agent_at_most_fifty_times_at_once(
    stage: Theatre, agent: BusyAgent
) -> None:
    assert await peak(stage, agent, 50, 200, {"batch": 0, "agent": 0}) == 50


async def test_an_agents_limit_holds_over_all_batches_that_name_it(stage: Theatre, agent: BusyAgent) -> None:
    assert await peak(stage, agent, 3, 8, {"batch": 0, "agent": 3}, {"batch": 0, "agent": 3}) == 3


async def test_the_limits_are_shown_and_a_batch_that_names_none_gets_fifty(stage: Theatre, agent: BusyAgent) -> None:
    made = await stage.client.batches.start(spec(stage, size=1, agent=agent.target(7)), create_only=True)

    assert (made.spec.max_in_flight, made.spec.conversation.agent.max_in_flight) == (50, 7)
