"""Conversation specs that are refused."""

from pathlib import Path
from typing import Any

import pytest

from greenroom.synthesizer.v1 import conversation_pb2 as pb
from tests.scripted import Theatre, refused, source_line
from tests.suite import suite

NAME = "conversations/019a0000-0000-7000-8000-000000000000"


@pytest.mark.parametrize(
    ("fields", "code", "reason", "field"),
    [
        ({"procedure": "procedures/none"}, "NOT_FOUND", "PROCEDURE_NOT_FOUND", None),
        ({"persona": "personas/none"}, "NOT_FOUND", "PERSONA_NOT_FOUND", None),
        ({"source": "sources/none"}, "NOT_FOUND", "SOURCE_NOT_FOUND", None),
        ({"based_on": pb.BasedOn(conversation=NAME, seq=1)}, "NOT_FOUND", "CONVERSATION_NOT_FOUND", None),
        ({"revision": 2}, "NOT_FOUND", "REVISION_NOT_FOUND", None),
        ({"persona": "Eddie"}, "INVALID_ARGUMENT", "INVALID_ARGUMENT", "spec.persona"),
        ({"persona": ""}, "INVALID_ARGUMENT", "SPEC_INVALID", "spec.persona"),
        ({"procedure": ""}, "INVALID_ARGUMENT", "SPEC_INVALID", "spec.procedure"),
        ({"procedure": "", "revision": 1}, "INVALID_ARGUMENT", "SPEC_INVALID", "spec.revision"),
        ({"max_turns": 201}, "INVALID_ARGUMENT", "INVALID_ARGUMENT", "spec.max_turns"),
        ({"max_turns": -1}, "INVALID_ARGUMENT", "INVALID_ARGUMENT", "spec.max_turns"),
        ({"model": "gpt-9"}, "INVALID_ARGUMENT", "SPEC_INVALID", "spec.model"),
        ({"model": "offline:small"}, "INVALID_ARGUMENT", "SPEC_INVALID", "spec.model"),
        ({"external_id": "a\0b"}, "INVALID_ARGUMENT", "INVALID_ARGUMENT", "spec.external_id"),
        ({"type": 7}, "INVALID_ARGUMENT", "INVALID_ARGUMENT", "spec.type"),
    ],
)
async def test_a_spec_that_is_wrong_is_refused_and_the_field_named(
    stage: Theatre, fields: dict[str, Any], code: str, reason: str, field: str | None
) -> None:
    async with refused(code, reason) as errors:
        await stage.client.conversations.start(stage.spec(**fields))

    assert field is None or field in [violation.field for violation in errors[0].violations]


@pytest.mark.parametrize(
    "address", ["127.0.0.1.example.com:80", "127.evil.example:1", "example.com:443", "10.0.0.1:80", "128.0.0.1:5"]
)
async def test_agents_beyond_loopback_are_called_only_if_the_server_allows_it(stage: Theatre, address: str) -> None:
    agent = pb.AgentTarget(grpc=pb.GrpcAgent(address=address))

    async with refused("INVALID_ARGUMENT", "SPEC_INVALID") as errors:
        await stage.client.conversations.start(stage.spec(agent=agent))

    [violation] = errors[0].violations
    assert violation.field == "spec.agent.grpc.address"
    assert violation.description == "Must be an address on loopback or a host that GREENROOM_AGENT_HOSTS names."


async def test_a_target_without_a_kind_is_the_built_in_agent(stage: Theatre) -> None:
    created = await stage.client.conversations.start(stage.spec(agent=pb.AgentTarget()), create_only=True)

    assert created.spec.agent.HasField("procedure_agent")


@pytest.mark.parametrize(
    ("agent", "field"),
    [
        # Unknown fields, as a later version may send: an agent kind (field 9 of AgentTarget), an option (field 9 of
        # GrpcAgent).
        (b"\x4a\x00", "spec.agent"),
        (b"\x0a\x02\x48\x01", "spec.agent.procedure_agent"),
        (b"\x12\x10\x0a\x0clocalhost:80\x48\x01", "spec.agent.grpc"),
    ],
)
async def test_a_kind_or_a_field_of_a_later_version_is_refused(stage: Theatre, agent: bytes, field: str) -> None:
    async with refused("INVALID_ARGUMENT", "SPEC_INVALID") as errors:
        await stage.client.conversations.start(stage.spec(agent=pb.AgentTarget.FromString(agent)))

    [violation] = errors[0].violations
    assert violation.field == field
    assert "field 9" in violation.description


@pytest.mark.parametrize("address", ["127.0.0.1:80", "[::1]:80", "localhost:80", "LOCALHOST:80"])
async def test_agents_on_loopback_are_called_in_every_spelling(stage: Theatre, address: str) -> None:
    agent = pb.AgentTarget(grpc=pb.GrpcAgent(address=address))

    created = await stage.client.conversations.start(stage.spec(agent=agent), create_only=True)

    assert created.spec.agent == agent


async def test_a_server_that_others_reach_calls_agents_on_loopback_only_if_they_are_named(tmp_path: Path) -> None:
    spec = pb.ConversationSpec(persona="personas/busy-bob")
    spec.agent.grpc.address = "[::1]:80"
    async with suite("sqlite", tmp_path, host="0.0.0.0", insecure=True, agent_hosts=("localhost",)) as reached:
        async with refused("INVALID_ARGUMENT", "SPEC_INVALID") as errors:
            await reached.client.conversations.start(spec, create_only=True)
        spec.agent.grpc.address = "Localhost:80"
        await reached.client.conversations.start(spec, create_only=True)
    [violation] = errors[0].violations
    assert violation.description == "Must be a host that GREENROOM_AGENT_HOSTS names."


async def test_only_a_ready_revision_is_rehearsed(stage: Theatre) -> None:
    draft = await stage.draft()
    async with refused("FAILED_PRECONDITION", "NO_READY_REVISION"):
        await stage.client.conversations.start(stage.spec(procedure=draft))
    async with refused("FAILED_PRECONDITION", "REVISION_NOT_READY"):
        await stage.client.conversations.start(stage.spec(procedure=draft, revision=1))

    await stage.client.procedures.mark_ready(draft, 1)

    assert (await stage.play(procedure=draft)).spec.revision == 1


async def test_an_unfinished_source_is_refused(stage: Theatre) -> None:
    [source] = await stage.import_sources(source_line("unfinished", finished=False))

    async with refused("FAILED_PRECONDITION", "SOURCE_NOT_FINISHED"):
        await stage.client.conversations.start(stage.spec(source=source))


async def test_a_source_in_which_no_user_speaks_is_refused(stage: Theatre) -> None:
    [source] = await stage.import_sources(source_line("mute", events=[{"agent_message": {"text": "Anyone?"}}]))

    async with refused("FAILED_PRECONDITION", "SOURCE_HAS_NO_USER_MESSAGE"):
        await stage.client.conversations.start(stage.spec(source=source))
