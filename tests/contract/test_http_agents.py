"""Agents of the kind `http`: a webhook that takes ActRequest and answers ActResponse as JSON."""

import hmac
from collections.abc import AsyncIterator
from typing import Any

import pytest

from greenroom.synthesizer.v1 import conversation_pb2 as pb
from greenroom.type.v1 import event_pb2
from services.synthesizer.adapters.agents.http import HttpAgent
from services.synthesizer.adapters.agents.kind import Access
from services.synthesizer.conversations.targets import TargetFailed, View
from services.synthesizer.settings import AgentSecret
from shared.hosts import AllowedHosts
from tests.contract.http_agents import Answer, Bot, bot, raw, whole, wrong
from tests.scripted import Script, State, Theatre, kinds, leaves, refused, says, texts, theatre

pytestmark = pytest.mark.usefixtures("no_waiting_between_attempts")
KEY = "canary-77b1"
VIEW = View("conversations/1", 1, (), (), "", 0, b"")


@pytest.fixture(scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Theatre]:
    secrets = {"my-hook": AgentSecret(host="127.0.0.1")}
    async with theatre("sqlite", tmp_path_factory.mktemp("theatre"), agent_secrets=secrets) as running:
        yield running


@pytest.fixture
async def agent() -> AsyncIterator[Bot]:
    async with bot() as running:
        yield running


def say(text: str) -> dict[str, Any]:
    return {"say": {"text": text}}


def target(agent: Bot, **fields: Any) -> pb.AgentTarget:
    return pb.AgentTarget(http=pb.HttpAgent(url=f"{agent.address}/act?v=1", **fields))


async def test_it_is_sent_the_transcript_and_answers_several_actions_at_once(stage: Theatre, agent: Bot) -> None:
    order = {"call_tool": {"tool": "find_order", "arguments": {"order": "O-7"}}}
    answers: list[dict[str, Any]] = [
        {"actions": [say("One moment."), say("I look."), order, order]},
        {"actions": [say("Sent."), say("Ok?")]},
        {"actions": [say("Fine."), {"end": {"text": "Bye."}}], "session": "AAEC"},
    ]
    agent.answers = [whole(answer) for answer in answers]

    done = await stage.play(Script(persona=[says("Ok.")]), agent=target(agent), source=stage.source)

    own = [event for event in await stage.events(done.name) if not event.copied]
    assert kinds(own)[2:] == [
        *("agent_message", "agent_message", "tool_call", "tool_call", "tool_result", "tool_result"),
        *("agent_message", "agent_message", "user_message", "agent_message", "agent_message", "ended"),
    ]
    assert texts(own) == ["One moment.", "I look.", "Sent.", "Ok?", "Ok.", "Fine.", "Bye."]
    assert done.ended.reason == "AGENT_ENDED"
    assert [wrong("ActRequest", body) for body in agent.bodies] == [[], [], []]
    assert [wrong("ActResponse", answer) for answer in answers] == [[], [], []]
    first, second, _ = agent.bodies
    assert first["events"][-1]["user_message"] == {"text": "Where is my order O-7?"}
    assert second["events"][-1]["tool_result"]["answer"]["value"] == {"state": "sent"}
    assert [tool["name"] for tool in first["tools"]] == ["find_order", "refund"]
    assert (first["conversation"], first["instructions"]) == (done.name, "Help.")


async def test_an_action_that_is_asked_for_again_has_the_same_key_and_every_request_is_signed(
    stage: Theatre, agent: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GREENROOM_SECRET_MY_HOOK", KEY)
    agent.answers = [whole({}, status=503), whole(say("Hi.")), whole(say("Again."))]

    done = await stage.play(Script(persona=[says("a"), says("b"), leaves()]), agent=target(agent, secret="my-hook"))

    assert done.state == State.STATE_COMPLETED
    keys = [headers["idempotency-key"] for _, headers, _ in agent.asked]
    assert keys[0] == keys[1] != keys[2]
    for _, headers, _ in agent.asked:
        proved = f"{headers['greenroom-timestamp']}.{headers['']}".encode()
        assert headers["greenroom-signature"] == f"v1={hmac.new(KEY.encode(), proved, 'sha256').hexdigest()}"
        assert "authorization" not in headers


END_FIRST = {"actions": [{"end": {}}, say("Still here.")]}
BAD: list[tuple[Answer, str]] = [
    (raw("<html>Welcome</html>"), r'its answer \(text/html\) is no ActResponse .*; it begins "<html>Welcome</html>"'),
    (raw("[" * 100_000, "application/json"), "is no ActResponse"),
    (raw("null", "application/json"), r"is no ActResponse \(it is no JSON object\)"),
    (whole({"sya": {"text": "Hi."}}), r"there is no `sya` \(did you mean `say`\?\)"),
    (
        whole({"actions": [{"call_tol": {}}]}),
        r"there is no `call_tol` in `actions\[0\]` \(did you mean `call_tool`\?\)",
    ),
    (whole({"say": {"words": "Hi."}}), r"there is no `words` in `say`; it has text\)"),
    (
        whole({}, 307, location="http://10.0.0.1/"),
        "it answered 307, and redirects are not followed; give the final address",
    ),
    (whole({}), "it answered no action"),
    (whole({"actions": [{}]}), "it answered no action"),
    (whole(say("a\0b")), "it answered a text with the character NUL"),
    (whole({**say("Hi."), "actions": [say("Hi.")]}), "put it into `actions`"),
    (whole({"actions": [say("Hi.")] * 51}), "it answered 51 actions at once; 50 are allowed"),
    (whole(END_FIRST), "in another order than messages, and then calls of tools or one end"),
]


@pytest.mark.parametrize(("answer", "why"), BAD, ids=[why for _, why in BAD])
async def test_an_answer_that_cannot_be_used_is_told_in_a_sentence(agent: Bot, answer: Answer, why: str) -> None:
    agent.answers = [answer]
    caller = HttpAgent({"url": agent.address}, Access(AllowedHosts(loopback=True), 60))

    with pytest.raises(TargetFailed, match=why):
        await caller.act(VIEW)

    await caller.close()


async def test_a_number_that_a_double_cannot_tell_from_its_neighbours_is_its_fault(stage: Theatre, agent: Bot) -> None:
    agent.answers = [whole({"call_tool": {"tool": "find_order", "arguments": {"order": 9007199254740993}}})]

    done = await stage.play(Script(persona=[says("a")]), agent=target(agent))

    assert (done.ended.reason, done.ended.fault) == ("AGENT_CALL_NOT_EXACT", event_pb2.FAULT_AGENT)


async def test_its_host_must_be_allowed(stage: Theatre) -> None:
    webhook = pb.AgentTarget(http=pb.HttpAgent(url="https://bot.example.com/act"))

    async with refused("INVALID_ARGUMENT", "SPEC_INVALID") as errors:
        await stage.client.conversations.start(stage.spec(agent=webhook))

    assert [violation.field for violation in errors[0].violations] == ["spec.agent.http.url"]
