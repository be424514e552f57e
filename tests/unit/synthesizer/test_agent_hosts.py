"""External agents are called only on allowed hosts, whatever their kind."""

import inspect
from collections.abc import Mapping

import pytest
from pydantic import SecretStr

from services.synthesizer.adapters.agents import KINDS, Agents
from services.synthesizer.adapters.agents.kind import Access, ExternalAgent
from services.synthesizer.conversations.errors import AgentNotAllowed
from services.synthesizer.conversations.model import AgentTarget
from services.synthesizer.conversations.targets import Action, Say, View
from services.synthesizer.settings import SynthesizerSettings
from shared.hosts import AllowedHosts
from shared.model.events import Json


class Webhook(ExternalAgent):
    """A kind that dials two hosts."""

    def __init__(self, config: Mapping[str, Json], access: Access) -> None:
        self.config, self.access, self.closed = config, access, False

    @staticmethod
    def hosts(config: Mapping[str, Json]) -> Mapping[str, str]:
        return {"url": config["url"], "fallback": config["fallback"]}

    async def act(self, view: View) -> Action:  # noqa: ARG002
        return Action(Say("Hi."))

    async def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("host", ["Agents.Example.com", "10.0.0.7", "[FE80::1]"])
def test_a_named_host_is_allowed_however_it_is_written(host: str) -> None:
    assert AllowedHosts(("agents.example.com", "10.0.0.7", "fe80::1")).allow(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "example.com"])
def test_a_host_that_is_not_named_is_refused(host: str) -> None:
    assert not AllowedHosts(("agents.example.com",)).allow(host)


def test_a_host_with_a_pull_request_is_allowed_for_previews_only_and_for_numbers_only() -> None:
    allowed = AllowedHosts(("pr-{pull_request}.agents.example",))

    assert allowed.allow("PR-12.agents.example", preview=True)
    assert allowed.may_dial("pr-12.agents.example", "203.0.113.7")
    assert not allowed.allow("pr-12.agents.example")
    for host in ("pr-.agents.example", "pr-0.agents.example", "pr-x.agents.example", "pr-1.evil.agents.example"):
        assert not allowed.allow(host, preview=True)


def test_loopback_is_allowed_only_where_every_caller_is_a_developer_on_this_machine() -> None:
    assert SynthesizerSettings().calls_loopback
    assert not SynthesizerSettings(host="0.0.0.0", insecure=True).calls_loopback
    assert not SynthesizerSettings(jwt_secret=SecretStr("x" * 32)).calls_loopback, "anybody may reach a gateway"


async def test_every_host_of_a_new_kind_is_checked_before_it_is_dialled() -> None:
    agents = Agents(Access(AllowedHosts(("a.example",)), 1.0), {"webhook": Webhook})
    target = AgentTarget("webhook", {"url": "a.example", "fallback": "b.example"})

    assert list(agents.problems(target, "acme")) == ["webhook.fallback"]
    with pytest.raises(AgentNotAllowed, match=r"webhook\.fallback"):
        agents.open(target, "acme")

    agents.open(AgentTarget("webhook", {"url": "a.example", "fallback": "a.example"}), "acme")


def test_a_kind_that_no_version_of_this_server_has_is_refused_by_name() -> None:
    problems = Agents(Access(AllowedHosts(), 1.0)).problems(AgentTarget("telepathy"), "acme")

    assert problems == {
        "telepathy": "There is no kind of agent telepathy; there are procedure_agent, grpc, openai and http."
    }


def test_a_port_that_cannot_be_is_refused_at_the_start() -> None:
    target = AgentTarget("grpc", {"address": "127.0.0.1:65536"})

    problems = Agents(Access(AllowedHosts(loopback=True), 1.0)).problems(target, "acme")

    assert problems == {"grpc.address": "Its port must be from 1 to 65535."}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_kind_says_which_hosts_it_dials(kind: type[ExternalAgent]) -> None:
    assert not inspect.isabstract(kind)
