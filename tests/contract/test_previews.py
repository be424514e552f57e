"""Previews: staff name a pull request, whose number stands in the address of the agent or of the persona target."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from greenroom.client import connect
from greenroom.synthesizer.v1 import batch_pb2, conversation_pb2
from greenroom.synthesizer.v1.conversation_pb2 import AgentTarget, BasedOn, ConversationFilter, GrpcAgent, HttpAgent
from tests.contract import batches
from tests.contract.http_agents import Bot, bot, whole
from tests.contract.tokens import SECRET, token
from tests.scripted import ScriptedModel, State, Theatre, refused, texts
from tests.suite import suite


@pytest.fixture
async def web() -> AsyncIterator[Bot]:
    async with bot() as running:
        running.answers = [whole({"say": {"text": "It was sent."}})]
        yield running


def preview(web: Bot) -> AgentTarget:
    """A webhook whose path names its pull request."""
    return AgentTarget(http=HttpAgent(url=f"{web.address}/pr-{{pull_request}}/act"))


async def test_the_preview_of_a_pull_request_is_called_and_kept_with_the_conversation(stage: Theatre, web: Bot) -> None:
    done = await stage.play(agent=preview(web), agent_pull_request=42)

    assert (done.state, texts(await stage.events(done.name))[1]) == (State.STATE_COMPLETED, "It was sent.")
    assert {path for path, _, _ in web.asked} == {"/pr-42/act"}
    assert (done.spec.agent, done.spec.agent_pull_request) == (preview(web), 42)


async def test_both_sides_of_a_batch_have_previews_of_their_own(stage: Theatre, web: Bot) -> None:
    pulls: dict[str, Any] = {"agent_pull_request": 7, "persona_agent_pull_request": 8}

    done = await batches.play(stage, size=1, agent=preview(web), persona_target=preview(web), max_turns=1, **pulls)

    assert [path for path, _, _ in web.asked] == ["/pr-8/act", "/pr-7/act"]
    assert (done.spec.conversation.agent_pull_request, done.spec.conversation.persona_agent_pull_request) == (7, 8)


async def test_batches_and_conversations_are_found_by_pull_request_procedure_and_revision(
    stage: Theatre, web: Bot
) -> None:
    pulls: dict[str, Any] = {"agent": preview(web), "persona_target": preview(web), "persona_agent_pull_request": 902}
    start, list_ = stage.client.batches.start, stage.client.batches.list
    seven = await start(batches.spec(stage, size=2, agent_pull_request=901, **pulls), create_only=True)
    eight = await start(batches.spec(stage, size=2, agent_pull_request=903, **pulls), create_only=True)

    assert [batch.name async for batch in list_(agent_pull_request=901)] == [seven.name]
    assert [batch.name async for batch in list_(persona_agent_pull_request=902)] == [eight.name, seven.name]
    found = stage.client.conversations.list(ConversationFilter(agent_pull_request=901))
    assert [one.batch async for one in found] == [seven.name] * 2
    found = stage.client.conversations.list(ConversationFilter(persona_agent_pull_request=902))
    assert len([one async for one in found]) == 4

    [linked] = await batches.sources(stage, "linked-preview", 1, procedure="orders")
    spec = batches.spec(
        stage, procedure="", sources=[linked], linked_revisions=True, size=1, external_id="linked-preview"
    )
    by_link = await start(spec, create_only=True)
    of_procedure: dict[str, Any] = {"procedure": stage.procedure, "revision": 1, "external_id": "linked-preview"}
    assert [batch.name async for batch in list_(**of_procedure)] == [by_link.name]
    assert [batch async for batch in list_(**of_procedure | {"revision": 2})] == []
    of_revision = ConversationFilter(batch=by_link.name, procedure=stage.procedure, revision=1)
    assert len([one async for one in stage.client.conversations.list(of_revision)]) == 1


async def test_a_filter_by_revision_needs_a_procedure(stage: Theatre) -> None:
    async with refused("INVALID_ARGUMENT", "INVALID_ARGUMENT") as errors:
        await anext(aiter(stage.client.batches.list(revision=1)))
    assert [violation.field for violation in errors[0].violations] == ["revision"]
    async with refused("INVALID_ARGUMENT", "INVALID_ARGUMENT") as errors:
        await anext(aiter(stage.client.conversations.list(ConversationFilter(revision=1))))
    assert [violation.field for violation in errors[0].violations] == ["filter.revision"]


async def test_a_conversation_goes_on_with_the_preview_of_another_pull_request(stage: Theatre, web: Bot) -> None:
    base = await stage.play(agent=preview(web), agent_pull_request=1)
    goes_on = BasedOn(conversation=base.name, seq=1)

    other = await stage.play(based_on=goes_on, agent_pull_request=2)
    same = await stage.play(based_on=goes_on)

    assert (other.spec.agent_pull_request, same.spec.agent_pull_request) == (2, 1)
    assert [path for path, _, _ in web.asked] == ["/pr-1/act", "/pr-2/act", "/pr-1/act"]


LOCAL = AgentTarget(http=HttpAgent(url="http://127.0.0.1:1/pr-{pull_request}"))


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"agent_pull_request": -1, "agent": LOCAL}, "spec.agent_pull_request"),
        ({"agent": LOCAL}, "spec.agent_pull_request"),
        ({"agent_pull_request": 1}, "spec.agent_pull_request"),
        ({"persona_target": LOCAL}, "spec.persona_agent_pull_request"),
        (
            {"agent_pull_request": 1, "agent": AgentTarget(grpc=GrpcAgent(address="10.0.0.{pull_request}:1"))},
            "spec.agent.grpc.address",
        ),
        (
            {"agent_pull_request": 1, "agent": AgentTarget(http=HttpAgent(url="http://{pull_request}.example/"))},
            "spec.agent.http.url",
        ),
    ],
)
async def test_a_bad_number_a_missing_one_and_a_host_that_results_from_it_are_refused(
    stage: Theatre, fields: dict[str, Any], field: str
) -> None:
    async with refused("INVALID_ARGUMENT", "INVALID_ARGUMENT" if -1 in fields.values() else "SPEC_INVALID") as errors:
        await stage.client.conversations.start(stage.spec(**fields))

    assert [violation.field for violation in errors[0].violations] == [field]


async def test_only_staff_call_previews(tmp_path: Path, web: Bot) -> None:
    limits: dict[str, Any] = {"jwt_secret": SecretStr(SECRET), "agent_hosts": ("127.0.0.{pull_request}",)}
    url = web.address.replace("127.0.0.1", "127.0.0.{pull_request}")
    spec = conversation_pb2.ConversationSpec(
        persona="personas/eager-eddie", agent=AgentTarget(http=HttpAgent(url=url)), agent_pull_request=1
    )
    as_named = conversation_pb2.ConversationSpec(
        persona="personas/eager-eddie", agent=AgentTarget(http=HttpAgent(url=web.address))
    )

    async with (
        suite("sqlite", tmp_path, model=ScriptedModel(), **limits) as running,
        connect(running.address, token=token()) as anyone,
        connect(running.address, token=token(staff=True)) as staff,
    ):
        made = await staff.conversations.start(spec)
        async with staff.conversations.watch(made.name) as events:
            assert "It was sent." in texts([event async for event in events])
        async with refused("PERMISSION_DENIED", "PREVIEW_REFUSED"):
            await anyone.conversations.start(spec)
        async with refused("PERMISSION_DENIED", "PREVIEW_REFUSED"):
            await anyone.conversations.start(
                conversation_pb2.ConversationSpec(based_on=BasedOn(conversation=made.name, seq=1))
            )
        async with refused("INVALID_ARGUMENT", "SPEC_INVALID"):
            await anyone.conversations.start(as_named)
        spec.persona = ""
        for call in (anyone.batches.start, anyone.batches.estimate):
            async with refused("PERMISSION_DENIED", "PREVIEW_REFUSED"):
                await call(batch_pb2.BatchSpec(conversation=spec))
