"""Agents stay connected only while conversations use them."""

import asyncio
from collections.abc import Mapping

import pytest

from services.synthesizer.adapters import agents as module
from services.synthesizer.adapters.agents import MOST_UNUSED, Agents
from services.synthesizer.adapters.agents.kind import Access, ExternalAgent
from services.synthesizer.conversations.model import AgentTarget
from services.synthesizer.conversations.targets import Action, Say, Target, TargetUnavailable, View
from shared.hosts import AllowedHosts
from shared.model.events import Json

OPEN: set[str] = set()
MADE: list[str] = []
VIEW = View("conversations/1", 1, (), (), "", 0, b"")


class Webhook(ExternalAgent):
    def __init__(self, config: Mapping[str, Json], access: Access) -> None:  # noqa: ARG002
        self.url = str(config["url"])
        OPEN.add(self.url)
        MADE.append(self.url)

    @staticmethod
    def hosts(config: Mapping[str, Json]) -> Mapping[str, str]:
        return {"url": str(config["url"])}

    async def act(self, view: View) -> Action:  # noqa: ARG002
        assert self.url in OPEN
        if self.url.startswith("dead"):
            raise TargetUnavailable(agent=self.url, why="it is dead")
        await asyncio.sleep(0)
        return Action(Say("Hi."))

    async def close(self) -> None:
        OPEN.discard(self.url)


def agents(count: int, kind: str = "live") -> tuple[Agents, list[Target]]:
    OPEN.clear()
    MADE.clear()
    hosts = [f"{kind}-{number}" for number in range(count)]
    all_of_them = Agents(Access(AllowedHosts(hosts), 1.0), {"webhook": Webhook})
    return all_of_them, [all_of_them.open(AgentTarget("webhook", {"url": host}), "acme") for host in hosts]


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.mark.parametrize("kind", ["live", "dead"])
async def test_of_many_agents_only_the_last_ones_stay_connected(kind: str) -> None:
    all_of_them, targets = agents(5 * MOST_UNUSED, kind)
    await asyncio.gather(*(target.act(VIEW) for target in targets), return_exceptions=True)
    await settled()

    assert len(OPEN) == MOST_UNUSED
    await all_of_them.close()
    assert not OPEN


async def test_an_agent_that_is_used_again_and_again_stays_connected() -> None:
    all_of_them, (target,) = agents(1)
    for _ in range(3):
        await target.act(VIEW)

    assert MADE == ["live-0"]
    await all_of_them.close()


async def test_an_agent_that_was_closed_is_connected_again_for_the_next_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "UNUSED_SECONDS", 0.01)
    all_of_them, (target,) = agents(1)
    await target.act(VIEW)
    async with asyncio.timeout(60):
        while OPEN:  # noqa: ASYNC110 - nothing tells when a channel is closed
            await asyncio.sleep(0.01)

    await target.act(VIEW)

    assert MADE == ["live-0", "live-0"]
    await all_of_them.close()


async def test_an_agent_is_not_closed_under_a_call() -> None:
    all_of_them, targets = agents(MOST_UNUSED + 2)
    under_way = AgentTarget("webhook", {"url": "live-0"})
    async with all_of_them.connected(under_way):
        for target in targets:
            await target.act(VIEW)
        await settled()
        assert "live-0" in OPEN
    await all_of_them.close()
