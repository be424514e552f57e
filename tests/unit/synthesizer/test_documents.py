"""Stored specs, in today's form and in that of version 0.1."""

import json

import pytest

from services.synthesizer.conversations.model import AgentTarget, ConversationSpec
from services.synthesizer.conversations.store.documents import pack_spec, unpack_spec

GRPC = AgentTarget("grpc", {"address": "localhost:80", "tls": True}, 4)


@pytest.mark.parametrize("agent", [None, AgentTarget(), GRPC])
def test_a_spec_reads_as_it_was_written(agent: AgentTarget | None) -> None:
    spec = ConversationSpec(agent=agent, seed=7)

    assert unpack_spec(pack_spec(spec)) == spec


@pytest.mark.parametrize(
    ("stored", "agent"),
    [
        ({"kind": "procedure", "address": "", "tls": False}, AgentTarget()),
        ({"kind": "grpc", "address": "localhost:80", "tls": False}, AgentTarget("grpc", {"address": "localhost:80"})),
        ({"kind": "grpc", "address": "a:1", "tls": True}, AgentTarget("grpc", {"address": "a:1", "tls": True})),
    ],
)
def test_an_agent_target_of_version_0_1_reads(stored: dict[str, object], agent: AgentTarget) -> None:
    document = json.loads(pack_spec(ConversationSpec()))
    document["spec"]["agent"] = stored

    assert unpack_spec(json.dumps(document).encode()).agent == agent
