"""Agents under test outside Greenroom. A kind is one file in this folder and one line in KINDS."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.synthesizer.adapters.agents.grpc import GrpcAgent
from services.synthesizer.adapters.agents.http import HttpAgent
from services.synthesizer.adapters.agents.kind import Access, ExternalAgent
from services.synthesizer.adapters.agents.openai import OpenaiAgent
from services.synthesizer.conversations.errors import AgentNotAllowed
from services.synthesizer.conversations.model import BUILT_IN_AGENT, AgentTarget
from services.synthesizer.conversations.targets import Action, Target, View
from shared.words import all_of

KINDS: Mapping[str, type[ExternalAgent]] = {"grpc": GrpcAgent, "openai": OpenaiAgent, "http": HttpAgent}
"""The kinds by the name of their field in AgentTarget."""


MOST_UNUSED = 64
"""The most agents that stay connected while no conversation waits for them."""
UNUSED_SECONDS = 10.0
"""How long an agent that no conversation waits for stays connected."""


@dataclass(slots=True, eq=False)
class _Connected:
    """A connected agent. calls: under way. since: when the last one ended, in seconds of the event loop."""

    agent: ExternalAgent
    calls: int = 0
    since: float = 0.0


class Agents:
    """Connects to each external agent once, if its kind exists and its hosts are allowed, and only while it is used."""

    def __init__(self, access: Access, kinds: Mapping[str, type[ExternalAgent]] = KINDS) -> None:
        self._access = access
        self._kinds = kinds
        self._connected: dict[str, _Connected] = {}
        self._unused: OrderedDict[str, _Connected] = OrderedDict()
        self._sweeping: asyncio.TimerHandle | None = None
        self._closing: set[asyncio.Task[None]] = set()

    def problems(self, target: AgentTarget, company: str) -> Mapping[str, str]:
        """Why a company may not call a target: a sentence for each field of AgentTarget that is wrong."""
        if target.kind == BUILT_IN_AGENT:
            return {}
        if target.kind not in self._kinds:
            known = all_of([BUILT_IN_AGENT, *self._kinds])
            return {target.kind: f"There is no kind of agent {target.kind}; there are {known}."}
        kind, allowed = self._kinds[target.kind], self._access.hosts
        where = f"Must be {allowed.named_by('GREENROOM_AGENT_HOSTS')}."
        hosts = kind.hosts(target.config)
        wrong = {**kind.problems(target.config)}
        preview = bool(target.pull_request)
        wrong |= {field: where for field, host in hosts.items() if not allowed.allow(host, preview=preview)}
        if secret := target.config.get("secret"):
            for host in hosts.values():
                if problem := self._access.secrets.problem(secret, company, host):
                    wrong["secret"] = problem
        return {f"{target.kind}.{field}": sentence for field, sentence in wrong.items()}

    def open(self, target: AgentTarget, company: str) -> Target:
        """The agent of a company's target that is not the built-in one. Raises AgentNotAllowed."""
        for field, sentence in self.problems(target, company).items():
            raise AgentNotAllowed(field=field, why=sentence)
        return _Shared(self, target)

    @asynccontextmanager
    async def connected(self, target: AgentTarget) -> AsyncIterator[ExternalAgent]:
        """The agent of a target, connected at least until the end of the block."""
        key = target.key
        found = self._connected.get(key)
        if found is None:
            found = self._connected[key] = _Connected(self._kinds[target.kind](target.config, self._access))
        self._unused.pop(key, None)
        found.calls += 1
        try:
            yield found.agent
        finally:
            found.calls -= 1
            if not found.calls:
                found.since = asyncio.get_running_loop().time()
                self._unused[key] = found
                self._sweep()

    async def close(self) -> None:
        """Close every agent that is connected."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        for one in self._connected.values():
            await one.agent.close()
        if self._closing:
            await asyncio.wait(self._closing)

    def _sweep(self) -> None:
        """Close the agents that are unused for long, and the oldest of too many."""
        loop = asyncio.get_running_loop()
        while self._unused:
            key, oldest = next(iter(self._unused.items()))
            if len(self._unused) <= MOST_UNUSED and oldest.since + UNUSED_SECONDS > loop.time():
                break
            del self._unused[key], self._connected[key]
            task = loop.create_task(oldest.agent.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
        if self._sweeping is not None:
            self._sweeping.cancel()
        self._sweeping = loop.call_later(UNUSED_SECONDS, self._sweep) if self._unused else None


@dataclass(frozen=True, slots=True)
class _Shared:
    """A target of many conversations, connected while one of them waits for it."""

    agents: Agents
    target: AgentTarget

    async def act(self, view: View) -> Action:
        async with self.agents.connected(self.target) as agent:
            return await agent.act(view)
