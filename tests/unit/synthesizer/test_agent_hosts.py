"""Where agents under test may be called."""

import pytest
from pydantic import SecretStr

from services.synthesizer.conversations.agent_hosts import AgentHosts
from services.synthesizer.settings import SynthesizerSettings


@pytest.mark.parametrize("address", ["Agents.Example.com:443", "10.0.0.7:80", "[FE80::1]:80"])
def test_a_host_that_is_named_may_be_called_however_it_is_written(address: str) -> None:
    assert AgentHosts(("agents.example.com", "10.0.0.7", "fe80::1")).allow(address)


@pytest.mark.parametrize("address", ["127.0.0.1:80", "localhost:80", "[::1]:80", "example.com:443"])
def test_nothing_may_be_called_unnamed(address: str) -> None:
    assert not AgentHosts(("agents.example.com",)).allow(address)


def test_loopback_need_not_be_named_only_where_all_callers_are_developers_on_this_machine() -> None:
    assert SynthesizerSettings().agents_on_loopback
    assert not SynthesizerSettings(host="0.0.0.0", insecure=True).agents_on_loopback
    assert not SynthesizerSettings(jwt_secret=SecretStr("x" * 32)).agents_on_loopback, "a gateway may be reached by all"
