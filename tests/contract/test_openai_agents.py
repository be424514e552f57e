"""Agents of the kind `openai`: any server that speaks Chat Completions or Responses."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import stamina
from aiohttp import web
from aiohttp.resolver import ThreadedResolver
from google.protobuf.json_format import MessageToJson

from greenroom.synthesizer.v1 import conversation_pb2 as pb
from greenroom.type.v1 import event_pb2
from services.synthesizer.adapters.agents.kind import Access
from services.synthesizer.adapters.agents.openai import OpenaiAgent
from services.synthesizer.conversations.targets import Say, TargetFailed, TargetUnavailable, View
from services.synthesizer.settings import AgentSecret
from shared.hosts import AllowedHosts
from tests import model_stub
from tests.contract.http_agents import Answer, Bot, bot, chat, raw, responses, streamed, whole
from tests.scripted import Script, State, Theatre, kinds, leaves, refused, says, texts, theatre
from tests.vendor_specs import violations

pytestmark = pytest.mark.usefixtures("no_waiting_between_attempts")
KEY = "canary-5e0c7d31"
ONE_TURN = [says("Where is O-7?"), leaves("Bye.")]
VIEW = View("conversations/1", 1, (), (), "Help.", 0, b"")
CHAT, RESPONSES = pb.OpenaiAgent.API_CHAT, pb.OpenaiAgent.API_RESPONSES


@pytest.fixture(scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Theatre]:
    secrets = {"my-bot": AgentSecret(host="127.0.0.1")}
    secrets["theirs"] = AgentSecret(host="127.0.0.1", companies=frozenset({"acme"}))
    async with theatre("sqlite", tmp_path_factory.mktemp("theatre"), agent_secrets=secrets) as running:
        yield running


@pytest.fixture
async def agent() -> AsyncIterator[Bot]:
    async with bot() as running:
        yield running


def target(agent: Bot, **fields: Any) -> pb.AgentTarget:
    return pb.AgentTarget(openai=pb.OpenaiAgent(base_url=f"{agent.address}/v1", **fields))


def chunk(reason: str | None = None, **delta: Any) -> dict[str, Any]:
    """A part of a streamed answer of Chat Completions."""
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}


SAID = {"agent_message", "tool_call", "tool_result"}
FIND = ("find_order", '{"order": "O-7"}')


@pytest.mark.parametrize(("api", "answer"), [(CHAT, chat), (RESPONSES, responses)])
async def test_it_gets_the_instructions_the_tools_and_the_dialogue_in_the_vendors_form(
    stage: Theatre, agent: Bot, api: Any, answer: Any
) -> None:
    agent.answers = [whole(answer("Let me look.", FIND, FIND)), whole(answer("It was sent."))]

    done = await stage.play(
        Script(persona=[leaves()]), agent=target(agent, api=api, model="bot-1"), source=stage.source
    )

    assert done.state == State.STATE_COMPLETED
    events = await stage.events(done.name)
    said = kinds(events)[4:]
    assert said[:6] == ["agent_message", "tool_call", "tool_call", "tool_result", "tool_result", "agent_message"]
    assert [found for path, _, body in agent.asked for found in violations(path, body)] == []
    first, second = agent.bodies
    assert first["model"] == "bot-1"
    names = [tool.get("function", tool)["name"] for tool in first["tools"]]
    assert names == ["find_order", "refund"]
    if api == CHAT:
        assert [message["role"] for message in first["messages"]] == ["system", "user", "assistant", "user"]
        assert first["messages"][0]["content"] == "Help."
        roles = [message["role"] for message in second["messages"]]
        assert roles[4:] == ["assistant", "tool", "tool"]
        assert json.loads(second["messages"][-1]["content"]) == {"state": "sent"}
    else:
        assert first["instructions"] == "Help."
        items = [item.get("role", item["type"]) for item in second["input"]]
        assert items[3:] == ["assistant", *["function_call"] * 2, *["function_call_output"] * 2]
    answered = next(event for event in events if event.HasField("agent_message") and not event.copied)
    assert answered.model_call.model == "bot-1"
    assert not answered.HasField("usage"), "what the agent costs is its own affair"


async def test_a_server_with_its_own_instructions_and_one_model_gets_neither(stage: Theatre, agent: Bot) -> None:
    agent.answers = [whole(chat("Hi."))]
    fields = pb.OpenaiAgent(sends_instructions=False, headers={"X-Team": "support"})
    fields.extra_body.update({"temperature": 0, "user": "greenroom"})
    fields.base_url = f"{agent.address}/v1/"

    done = await stage.play(Script(persona=ONE_TURN), agent=pb.AgentTarget(openai=fields), procedure="")

    assert texts(await stage.events(done.name)) == ["Where is O-7?", "Hi.", "Bye."]
    [(path, headers, body)] = agent.asked
    assert (path, headers["x-team"]) == ("/v1/chat/completions", "support")
    messages = [{"role": "user", "content": "Where is O-7?"}]
    assert body == {"model": "default", "messages": messages, "temperature": 0, "user": "greenroom"}
    assert done.spec.agent.openai == fields


@pytest.mark.parametrize(
    ("api", "events"),
    [
        (
            CHAT,
            [
                chunk(role="assistant", content=""),
                chunk(content="Let me "),
                chunk(content="look."),
                chunk(tool_calls=[{"index": 0, "id": "c", "function": {"name": "find_order", "arguments": ""}}]),
                chunk(tool_calls=[{"index": 0, "function": {"arguments": '{"order": '}}]),
                chunk(tool_calls=[{"index": 0, "function": {"arguments": '"O-7"}'}}]),
                chunk("tool_calls"),
                {"choices": [], "usage": {"prompt_tokens": 1}},
                "[DONE]",
            ],
        ),
        (
            RESPONSES,
            [
                {"type": "response.output_text.delta", "delta": "Let me "},
                {"type": "response.completed", "response": responses("Let me look.", FIND)},
            ],
        ),
    ],
)
async def test_a_streamed_answer_is_the_same_and_tells_when_it_began(
    stage: Theatre, agent: Bot, api: Any, events: list[Any]
) -> None:
    agent.answers = [streamed(*events), whole(chat("Sent.") if api == CHAT else responses("Sent."))]

    done = await stage.play(Script(persona=[leaves()]), agent=target(agent, api=api, stream=True), source=stage.source)

    own = [event for event in await stage.events(done.name) if not event.copied and kinds([event])[0] in SAID]
    assert kinds(own)[:3] == ["agent_message", "tool_call", "tool_result"]
    assert dict(own[1].tool_call.arguments) == {"order": "O-7"}
    assert own[0].model_call.HasField("first_token_milliseconds")
    assert not own[3].model_call.HasField("first_token_milliseconds")
    assert agent.bodies[0]["stream"] is True


async def test_arguments_that_are_no_json_are_answered_with_an_error_and_it_goes_on(stage: Theatre, agent: Bot) -> None:
    agent.answers = [whole(chat("", ("find_order", "{order: O-7"))), whole(chat("Sorry."))]

    done = await stage.play(Script(persona=[leaves()]), agent=target(agent), source=stage.source)

    assert done.state == State.STATE_COMPLETED
    told = json.loads(agent.bodies[1]["messages"][-1]["content"])
    assert told["error"]["code"] == "INVALID_ARGUMENTS"


@pytest.mark.parametrize(
    ("headers", "sent"),
    [({}, ("authorization", f"Bearer {KEY}")), ({"api-key": "v1 {secret}"}, ("api-key", f"v1 {KEY}"))],
)
async def test_a_secret_is_sent_and_is_neither_stored_nor_shown(
    stage: Theatre, agent: Bot, headers: dict[str, str], sent: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GREENROOM_SECRET_MY_BOT", KEY)
    agent.answers = [whole({"error": {"message": f"Bearer {KEY} ({KEY}) may not."}}, status=403)]

    done = await stage.play(Script(persona=ONE_TURN), agent=target(agent, secret="my-bot", headers=headers))

    assert agent.asked[0][1][sent[0]] == sent[1]
    assert 'it answered 403, "' in done.ended.detail
    assert KEY not in MessageToJson(done)
    assert all(KEY.encode() not in file.read_bytes() for file in stage.folder.rglob("*") if file.is_file())


@pytest.mark.parametrize(
    ("host", "secret", "why"),
    [
        ("127.0.0.1", "other", "There is no secret other for your company; "),
        ("127.0.0.1", "theirs", "There is no secret theirs for your company; "),
        ("localhost", "my-bot", "The secret my-bot belongs to another host than localhost; it is sent to no other."),
        (
            "127.0.0.1",
            "my-bot",
            "The secret my-bot has no value of visible characters without spaces; set ",
        ),
    ],
)
async def test_a_secret_goes_only_where_the_operator_binds_it(stage: Theatre, host: str, secret: str, why: str) -> None:
    agent = pb.AgentTarget(openai=pb.OpenaiAgent(base_url=f"http://{host}:80/v1", secret=secret))

    async with refused("INVALID_ARGUMENT", "SPEC_INVALID") as errors:
        await stage.client.conversations.start(stage.spec(agent=agent))

    [violation] = errors[0].violations
    assert violation.field == "spec.agent.openai.secret"
    assert violation.description.startswith(why)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"headers": {"Authorization": "Bearer abc"}}, "headers"),
        ({"headers": {"X-Team": "{secret}"}}, "headers"),
        ({"headers": {"Content-Length": "1"}}, "headers"),
        ({"base_url": "http://127.0.0.1:99999"}, "base_url"),
        ({"base_url": "http://example.com/v1"}, "base_url"),
        ({"extra_body": {"x": "y" * 70_000}}, "extra_body"),
    ],
)
async def test_a_target_that_cannot_be_right_is_refused_at_the_start(
    stage: Theatre, fields: dict[str, Any], field: str
) -> None:
    agent = pb.OpenaiAgent(base_url="http://127.0.0.1:80", headers=fields.get("headers"))
    agent.base_url = fields.get("base_url", agent.base_url)
    agent.extra_body.update(fields.get("extra_body", {}))

    async with refused("INVALID_ARGUMENT", "SPEC_INVALID") as errors:
        await stage.client.conversations.start(stage.spec(agent=pb.AgentTarget(openai=agent)))

    assert [violation.field for violation in errors[0].violations] == [f"spec.agent.openai.{field}"]


async def test_a_pause_that_it_asks_for_is_kept(stage: Theatre, agent: Bot) -> None:
    agent.answers = [whole({"error": "slow down"}, 429, **{"retry-after": "0.4"}), whole(chat("Back."))]

    with stamina.set_testing(False):
        done = await stage.play(Script(persona=ONE_TURN), agent=target(agent))

    assert (done.state, done.attempt) == (State.STATE_COMPLETED, 1)
    assert agent.asked_at[1] - agent.asked_at[0] >= 0.4


async def test_what_it_does_wrong_is_its_fault(stage: Theatre, agent: Bot) -> None:
    agent.answers = [raw("<html>\x1b[31mNot here</html>", status=404)]

    done = await stage.play(Script(persona=ONE_TURN), agent=target(agent))

    assert (done.ended.reason, done.ended.fault) == ("AGENT_FAILED", event_pb2.FAULT_AGENT)
    url = f"{agent.address}/v1/chat/completions"
    assert done.ended.detail == f'The agent {url} failed: it answered 404, "<html>Not here</html>".'


async def test_a_number_that_a_double_cannot_tell_from_its_neighbours_is_its_fault(stage: Theatre, agent: Bot) -> None:
    agent.answers = [whole(chat("", ("find_order", '{"order": 9007199254740993}')))]

    done = await stage.play(Script(persona=ONE_TURN), agent=target(agent), source=stage.source)

    assert (done.ended.reason, done.ended.fault) == ("AGENT_CALL_NOT_EXACT", event_pb2.FAULT_AGENT)


async def test_the_same_call_of_a_tool_forever_is_its_fault(stage: Theatre, agent: Bot) -> None:
    agent.answers = [whole(chat("", FIND))]

    done = await stage.play(agent=target(agent), source=stage.source)

    assert (done.ended.reason, done.ended.fault) == ("AGENT_SAYS_NOTHING", event_pb2.FAULT_AGENT)
    assert done.ended.detail == "The agent made 50 tool calls and waits without letting the user speak."
    assert len(agent.asked) == 50


@pytest.mark.parametrize(("api", "answer"), [("API_CHAT", chat), ("API_RESPONSES", responses)])
async def test_fields_that_are_unknown_are_ignored(agent: Bot, api: str, answer: Any) -> None:
    extra = {"type": "reasoning", "x": [{}]}
    agent.answers = [whole({**answer("Hi."), "x": extra, "output": [extra, *answer("Hi.").get("output", [])]})]
    caller = OpenaiAgent({"base_url": agent.address, "api": api}, Access(AllowedHosts(loopback=True), 60))

    assert (await caller.act(VIEW)).does == Say("Hi.")
    await caller.close()


async def _half(request: web.Request) -> web.StreamResponse:
    return await model_stub._cut(request)


async def _hang(request: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


BAD: list[tuple[Answer, type[Exception], str]] = [
    (raw("<html>Welcome</html>"), TargetFailed, 'form of Chat Completions; it begins "<html>Welcome</html>"'),
    (whole([]), TargetFailed, "not the form"),
    (whole({"choices": []}), TargetFailed, "not the form"),
    (raw("[" * 100_000, "application/json"), TargetFailed, "not the form"),
    (whole({"choices": [{"message": {"content": [1]}}]}), TargetFailed, "not the form"),
    (whole(chat()), TargetFailed, "cannot be used: it is empty"),
    (whole(chat(reason="content_filter")), TargetFailed, "content_filter"),
    (whole({}, 401), TargetFailed, "it answered 401"),
    (whole({}, 307, location="http://169.254.169.254/"), TargetFailed, "redirects are not followed"),
    (raw("x" * (50 << 20)), TargetFailed, "its answer is larger than 4 MiB"),
    (raw("Bad Gateway", status=502), TargetUnavailable, 'it answered 502, "Bad Gateway"'),
    (_half, TargetUnavailable, "closed the connection before its answer was complete"),
    (_hang, TargetUnavailable, r"no answer came within 0\.5 s"),
    (streamed(chunk(content="It is")), TargetUnavailable, "its stream of events stopped before the end"),
    (streamed({"error": {"message": "out of memory"}}), TargetFailed, "out of memory"),
]


@pytest.mark.parametrize(("answer", "error", "why"), BAD, ids=[why for _, _, why in BAD])
async def test_a_bad_answer_is_told_in_a_sentence(agent: Bot, answer: Answer, error: type[Exception], why: str) -> None:
    agent.answers = [answer]
    seconds = 0.5 if answer is _hang else 60.0
    caller = OpenaiAgent({"base_url": agent.address}, Access(AllowedHosts(loopback=True), seconds))

    with pytest.raises(error, match=why):
        await caller.act(VIEW)

    await caller.close()


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://127.0.0.1:1", "nothing listens there"),
        ("http://no-such-name.invalid", "its host name is not found"),
        ("https://127.0.0.1", "it speaks no TLS there"),
    ],
)
async def test_an_address_that_does_not_answer_is_told_in_a_sentence(agent: Bot, address: str, why: str) -> None:
    if address == "https://127.0.0.1":
        address = agent.address.replace("http:", "https:")
    caller = OpenaiAgent({"base_url": address}, Access(AllowedHosts(("no-such-name.invalid",), loopback=True), 60))

    with pytest.raises(TargetUnavailable, match=why):
        await caller.act(VIEW)

    await caller.close()


@pytest.mark.parametrize("listed", [("bot.test",), ("bot.test", "127.0.0.1")])
async def test_an_allowed_name_is_dialled_only_at_addresses_that_may_be_called(
    agent: Bot, listed: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    agent.answers = [whole(chat("Hi."))]

    async def rebound(*_: Any) -> Any:
        port = int(agent.address.rpartition(":")[2])
        return [{"hostname": "bot.test", "host": "127.0.0.1", "port": port, "family": 2, "proto": 6, "flags": 0}]

    monkeypatch.setattr(ThreadedResolver, "resolve", rebound)
    caller = OpenaiAgent({"base_url": agent.address.replace("127.0.0.1", "bot.test")}, Access(AllowedHosts(listed), 60))

    if "127.0.0.1" in listed:
        assert (await caller.act(VIEW)).does == Say("Hi.")
    else:
        with pytest.raises(TargetFailed, match="leads to an address that may not be called"):
            await caller.act(VIEW)
        assert agent.asked == []

    await caller.close()
