"""Persona targets: a customer of the user's own plays the persona, over gRPC, a webhook or Chat Completions."""

import json
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import MessageToJson

from greenroom.agent.v1 import agent_pb2
from greenroom.synthesizer.v1 import conversation_pb2 as pb
from greenroom.type.v1 import event_pb2
from services.synthesizer.settings import AgentSecret
from tests.contract import batches
from tests.contract.agents import Agent, Answer, BusyAgent, call_tool, say, served, waiting
from tests.contract.http_agents import Bot, bot, chat, responses, whole, wrong
from tests.scripted import Script, State, Theatre, calls, kinds, persona_json, refused, says, texts, theatre
from tests.vendor_specs import violations

pytestmark = pytest.mark.usefixtures("no_waiting_between_attempts")
KEY = "canary-31f8"
CHAT, RESPONSES = pb.OpenaiAgent.API_CHAT, pb.OpenaiAgent.API_RESPONSES
BYE = agent_pb2.ActResponse(end=agent_pb2.End(text="Bye."))
SILENT = agent_pb2.ActResponse(stay_silent=agent_pb2.StaySilent())
SENT = (calls("find_order", order="O-7"), says("It was sent."), says("Soon."), says("Are you there?"))


@pytest.fixture(scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Theatre]:
    secrets = {"my-bot": AgentSecret(host="127.0.0.1")}
    async with theatre("sqlite", tmp_path_factory.mktemp("theatre"), agent_secrets=secrets) as running:
        yield running


@pytest.fixture
async def web() -> AsyncIterator[Bot]:
    async with bot() as running:
        yield running


@pytest.fixture
async def customer() -> AsyncIterator[Agent]:
    servicer = Agent([say("Where is O-7?"), BYE])
    async with served(servicer):
        yield servicer


def openai(web: Bot, **fields: Any) -> pb.AgentTarget:
    return pb.AgentTarget(openai=pb.OpenaiAgent(base_url=f"{web.address}/v1", **fields))


def webhook(web: Bot) -> pb.AgentTarget:
    return pb.AgentTarget(http=pb.HttpAgent(url=f"{web.address}/act"))


async def test_a_customer_over_grpc_is_told_who_it_is_and_what_was_said_and_nothing_of_tools(
    stage: Theatre, customer: Agent
) -> None:
    several = agent_pb2.ActResponse(session=b"mine")
    for text in ("Thanks.", "When does it come?"):
        several.actions.add().say.text = text
    several.thoughts.reasoning, several.thoughts.likely_to_convert = "It is curious.", 70
    several.thoughts.sentiment = event_pb2.PersonaThoughts.SENTIMENT_POSITIVE
    customer.responses = [several, SILENT, BYE]

    done = await stage.play(Script(agent=SENT), persona_target=customer.target, source=stage.source)

    assert (done.state, done.ended.reason, done.turns) == (State.STATE_COMPLETED, "USER_LEFT", 3)
    own = [event for event in await stage.events(done.name) if not event.copied]
    assert kinds(own)[2:] == [
        *("tool_call", "tool_result", "agent_message", "user_message", "user_message", "agent_message"),
        *("user_message", "agent_message", "user_message", "ended"),
    ]
    assert texts(own) == ["It was sent.", "Thanks.", "When does it come?", "Soon.", "", "Are you there?", "Bye."]
    assert [event.turn for event in own if event.HasField("user_message")] == [1, 1, 2, 3]
    assert [event.thoughts.reasoning for event in own if event.HasField("thoughts")] == ["It is curious."]
    assert done.usage.model_calls == 4, "what the customer costs is its own affair"
    assert done.spec.persona_target == customer.target

    first, second, third = customer.asked
    assert (first.persona.display_name, first.persona.response_length) == (done.persona.display_name, "SHORT")
    assert list(first.persona.behaviour_traits) == list(done.persona.behaviour_traits)
    [fact] = first.persona.facts
    assert (fact.asked, fact.answer) == ("Welcome.\nIt is on its way.", "Thanks, that was all.")
    assert first.instructions.startswith("You play a customer in a rehearsal. You are Eager Eddie")
    assert "JSON" not in first.instructions
    assert (len(first.tools), first.conversation) == (0, done.name)
    assert texts(first.events) == ["Welcome.", "Where is my order O-7?", "It was sent."]
    assert set(kinds(third.events)) == {"agent_message", "user_message"}
    assert [request.session for request in (first, second, third)] == [b"", b"mine", b""]


@pytest.mark.parametrize(("api", "answer"), [(CHAT, chat), (RESPONSES, responses)])
async def test_a_customer_that_speaks_the_vendors_protocol_is_the_assistant(
    stage: Theatre, web: Bot, api: Any, answer: Any
) -> None:
    leaving = f"```json\n{persona_json('Thanks, bye.', 'It has what it wanted.', leaves=True)}\n```"
    web.answers = [whole(answer(text)) for text in ("Where is O-7?", "NO_RESPONSE", leaving)]
    script = Script(agent=[says("One moment."), says("It was sent.")])

    done = await stage.play(script, persona_target=openai(web, api=api, model="customer-1"))

    events = await stage.events(done.name)
    assert (done.ended.reason, done.turns) == ("USER_LEFT", 3)
    assert texts(events) == ["Where is O-7?", "One moment.", "", "It was sent.", "Thanks, bye."]
    spoken = [event for event in events if event.HasField("user_message")]
    assert [event.thoughts.reasoning for event in spoken] == ["", "", "It has what it wanted."]
    assert {event.model_call.model for event in spoken} == {"customer-1"}
    assert [found for path, _, body in web.asked for found in violations(path, body)] == []
    last = web.bodies[-1]
    turns = [turn for turn in last["messages" if api == CHAT else "input"] if turn["role"] != "system"]
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user"]
    assert "It was sent." in json.dumps(turns[-1])
    told = last["messages"][0]["content"] if api == CHAT else last["instructions"]
    assert "You are Eager Eddie" in told
    assert "likely_to_convert" in told
    assert "tools" not in last


async def test_a_customer_with_instructions_of_its_own_is_sent_only_what_was_said(stage: Theatre, web: Bot) -> None:
    web.answers = [whole(chat("Where is O-7?"))]

    done = await stage.play(persona_target=openai(web, sends_instructions=False), max_turns=1)

    assert (done.state, done.ended.reason) == (State.STATE_COMPLETED, "MAX_TURNS")
    assert web.bodies == [
        {"model": "default", "messages": [{"role": "user", "content": "(The conversation begins.)"}]},
    ]


async def test_a_webhook_plays_the_customer_of_an_agent_that_is_external_too(
    stage: Theatre, web: Bot, customer: Agent
) -> None:
    hello = {"say": {"text": "Where is O-7?"}, "session": "AAEC"}
    web.answers = [whole({}, status=503), whole(hello), whole({"end": {}})]
    customer.responses = [say("It was sent.", session=b"agent")]

    done = await stage.play(agent=customer.target, persona_target=webhook(web), procedure="")

    assert (done.state, done.ended.reason) == (State.STATE_COMPLETED, "USER_LEFT")
    assert texts(await stage.events(done.name)) == ["Where is O-7?", "It was sent.", ""]
    assert [wrong("ActRequest", body) for body in web.bodies] == [[], [], []]
    assert [body.get("session") for body in web.bodies] == [None, None, "AAEC"]
    keys = [headers["idempotency-key"] for _, headers, _ in web.asked]
    assert keys[0] == keys[1] != keys[2]
    assert not customer.asked[0].HasField("persona")
    assert customer.asked[0].session == b""
    assert done.usage.model_calls == 0


async def test_one_server_plays_both_sides_and_is_handed_each_sides_session(stage: Theatre, customer: Agent) -> None:
    def answer(request: agent_pb2.ActRequest) -> Answer:
        if not request.HasField("persona"):
            return say("Yes?", session=b"agent")
        return say("Hello.", session=b"customer") if len(request.events) < 3 else BYE

    customer.answer = answer

    done = await stage.play(agent=customer.target, persona_target=customer.target)

    assert texts(await stage.events(done.name)) == ["Hello.", "Yes?", "Hello.", "Yes?", "Bye."]
    assert [request.session for request in customer.asked] == [b"", b"", b"customer", b"agent", b"customer"]


def thinking(sentiment: Any, likely: int) -> agent_pb2.ActResponse:
    response = say("Hi.")
    response.thoughts.sentiment, response.thoughts.likely_to_convert = sentiment, likely
    return response


BAD: list[tuple[Answer, str, str]] = [
    (grpc.StatusCode.INTERNAL, "PERSONA_FAILED", 'failed: its Act answered INTERNAL, "the agent\'s own words".'),
    (grpc.StatusCode.UNAVAILABLE, "PERSONA_UNAVAILABLE", "does not answer: its Act answered UNAVAILABLE"),
    (agent_pb2.ActResponse(), "PERSONA_FAILED", "its Act answered no action"),
    (thinking(0, 50), "PERSONA_FAILED", "its Act answered thoughts without a sentiment"),
    (thinking(1, 101), "PERSONA_FAILED", "a likely_to_convert beyond 0 to 100"),
    (call_tool("find_order", order="O-7"), "PERSONA_REPLY_UNUSABLE", "called a tool; a customer has none"),
    (waiting(2_000_000_000), "PERSONA_REPLY_UNUSABLE", "waits; a customer stays silent instead"),
    (say(" "), "PERSONA_REPLY_UNUSABLE", "said an empty text; it should stay silent instead"),
    (say("x" * 20_001), "PERSONA_REPLY_UNUSABLE", "said 20,001 characters at once; 20,000 are allowed"),
    (say("x", session=b"x" * 65_537), "PERSONA_REPLY_UNUSABLE", "a session of 65537 bytes; 65536 are allowed"),
]


@pytest.mark.parametrize(("answer", "reason", "why"), BAD, ids=[why for _, _, why in BAD])
async def test_what_a_customer_does_wrong_is_blamed_on_the_persona(
    stage: Theatre, customer: Agent, answer: Answer, reason: str, why: str
) -> None:
    customer.responses = [answer]

    failed = await stage.play(persona_target=customer.target)

    assert (failed.state, failed.ended.reason) == (State.STATE_FAILED, reason)
    assert failed.ended.fault == event_pb2.FAULT_PERSONA_MODEL
    assert failed.ended.detail.startswith("The persona target ")
    assert why in failed.ended.detail
    assert len(customer.asked) == (5 if reason == "PERSONA_UNAVAILABLE" else 1)


async def test_after_a_retry_the_customer_is_asked_the_same_again(stage: Theatre, customer: Agent) -> None:
    customer.responses = [say("Hello."), grpc.StatusCode.INTERNAL, BYE]
    broken = await stage.play(persona_target=customer.target)

    await stage.client.conversations.retry(broken.name)

    assert (await stage.over(broken.name)).ended.reason == "USER_LEFT"
    _, failed, again = customer.asked
    assert failed == again


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"message": "Hi."}', "its answer cannot be used. Its reasoning must be a text."),
        (f"I answer: {persona_json('Hi.')}", "its answer cannot be used. It is not JSON."),
    ],
)
async def test_thoughts_in_another_form_never_reach_the_agent(stage: Theatre, web: Bot, text: str, why: str) -> None:
    web.answers = [whole(chat(text))]

    failed = await stage.play(persona_target=openai(web))

    assert (failed.ended.reason, failed.ended.fault) == ("PERSONA_FAILED", event_pb2.FAULT_PERSONA_MODEL)
    assert why in failed.ended.detail


async def test_an_agent_may_not_stay_silent(stage: Theatre, customer: Agent) -> None:
    customer.responses = [SILENT]

    failed = await stage.play(agent=customer.target)

    assert (failed.ended.reason, failed.ended.fault) == ("AGENT_SAID_NOTHING", event_pb2.FAULT_AGENT)


async def test_a_customer_that_breaks_character_is_flagged_and_goes_on(
    stage: Theatre, web: Bot, customer: Agent
) -> None:
    customer.responses = [say("How can I help you today?"), BYE]
    web.answers = [whole({"say": {"text": "I do not know."}})]

    done = await stage.play(agent=webhook(web), persona_target=customer.target)

    assert (done.state, done.persona_flags) == (State.STATE_COMPLETED, 1)
    first = next(event for event in await stage.events(done.name) if event.HasField("user_message"))
    assert list(first.persona_flags) == [event_pb2.PERSONA_FLAG_SPEAKS_AS_AGENT]
    assert "persona_flags" not in web.bodies[0]["events"][-1]


async def test_its_secret_is_sent_and_is_neither_stored_nor_shown(
    stage: Theatre, web: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GREENROOM_SECRET_MY_BOT", KEY)
    web.answers = [whole({"error": {"message": f"{KEY} may not."}}, status=403)]

    done = await stage.play(persona_target=openai(web, secret="my-bot"))

    assert web.asked[0][1]["authorization"] == f"Bearer {KEY}"
    assert 'it answered 403, "' in done.ended.detail
    assert KEY not in MessageToJson(done)
    assert all(KEY.encode() not in file.read_bytes() for file in stage.folder.rglob("*") if file.is_file())


@pytest.mark.parametrize(
    ("target", "field"),
    [
        (pb.AgentTarget(http=pb.HttpAgent(url="https://customer.example.com/act")), "persona_target.http.url"),
        (pb.AgentTarget(grpc=pb.GrpcAgent(address="127.0.0.1:1", secret="no")), "persona_target.grpc.secret"),
        (pb.AgentTarget(procedure_agent=pb.ProcedureAgent()), "persona_target"),
    ],
)
async def test_a_customer_that_may_not_be_called_is_refused_at_the_start(
    stage: Theatre, target: pb.AgentTarget, field: str
) -> None:
    async with refused("INVALID_ARGUMENT", "SPEC_INVALID") as one:
        await stage.client.conversations.start(stage.spec(persona_target=target))
    async with refused("INVALID_ARGUMENT", "SPEC_INVALID") as many:
        await stage.client.batches.start(batches.spec(stage, persona_target=target))

    assert [violation.field for violation in one[0].violations] == [f"spec.{field}"]
    assert [violation.field for violation in many[0].violations] == [f"spec.conversation.{field}"]


async def test_a_replay_has_the_customer_of_its_base_unless_it_names_a_model(stage: Theatre, customer: Agent) -> None:
    base = await stage.play(persona_target=customer.target)
    based_on = pb.BasedOn(conversation=base.name, seq=base.last_seq - 2)

    again = await stage.play(persona="", procedure="", based_on=based_on)
    by_model = await stage.play(persona="", procedure="", based_on=based_on, persona_model=base.spec.persona_model)

    assert again.spec.persona_target == customer.target
    assert not by_model.spec.HasField("persona_target")


async def test_its_limit_holds_over_a_batch(stage: Theatre) -> None:
    busy = BusyAgent()
    busy.expected = 2
    async with served(busy):
        done = await batches.play(stage, size=6, persona_target=busy.target(2), max_turns=2)

    assert (done.counts.completed, busy.peak) == (6, 2)
