"""External agents: a server of AgentService takes the place of the built-in agent."""

from collections.abc import AsyncIterator

import grpc
import pytest
import stamina

from greenroom.agent.v1 import agent_pb2 as pb
from greenroom.synthesizer.v1 import conversation_pb2, tool_config_pb2
from greenroom.type.v1 import event_pb2
from services.synthesizer.adapters.agents.grpc import GrpcAgent
from services.synthesizer.adapters.agents.kind import Access
from services.synthesizer.adapters.agents.secrets import AgentSecrets
from services.synthesizer.conversations.targets import TargetFailed, View
from services.synthesizer.settings import AgentSecret
from shared.hosts import AllowedHosts
from tests.contract import batches
from tests.contract.agents import Agent, Answer, Error, call_tool, say, served, waiting
from tests.scripted import Script, State, Theatre, kinds, leaves, says, texts

pytestmark = pytest.mark.usefixtures("no_waiting_between_attempts")
ONE_TURN = [says("Where is it?"), leaves("Bye.")]


@pytest.fixture
async def agent() -> AsyncIterator[Agent]:
    servicer = Agent()
    async with served(servicer):
        yield servicer


async def test_what_the_agent_says_is_heard_and_what_it_is_told_is_the_transcript(stage: Theatre, agent: Agent) -> None:
    agent.responses = [say("It is here.")]

    done = await stage.play(Script(persona=ONE_TURN), agent=agent.target)

    assert done.state == State.STATE_COMPLETED
    assert texts(await stage.events(done.name)) == ["Where is it?", "It is here.", "Bye."]
    [request] = agent.asked
    assert (request.conversation, request.seq, request.instructions) == (done.name, 4, "Help.")
    assert texts(request.events) == ["Where is it?"]
    assert [tool.name for tool in request.tools] == ["find_order", "refund"]
    assert "order" in request.tools[0].arguments_schema.fields["properties"].struct_value.fields
    assert request.virtual_time == request.events[-1].virtual_time
    assert done.usage.model_calls == 2, "what the agent costs is its own affair"


async def test_an_external_agent_needs_no_procedure(stage: Theatre, agent: Agent) -> None:
    done = await stage.play(Script(persona=ONE_TURN), agent=agent.target, procedure="")

    assert done.state == State.STATE_COMPLETED
    assert (agent.asked[0].instructions, list(agent.asked[0].tools)) == ("", [])
    assert done.spec.agent == agent.target


async def test_it_calls_tools_and_is_asked_again_with_their_answers(stage: Theatre, agent: Agent) -> None:
    agent.responses = [call_tool("find_order", order="O-7"), say("It was sent.")]

    done = await stage.play(Script(persona=[leaves()]), agent=agent.target, source=stage.source)

    events = await stage.events(done.name)
    assert kinds(events)[4:7] == ["tool_call", "tool_result", "agent_message"]
    told = agent.asked[1].events
    assert kinds(told)[-2:] == ["tool_call", "tool_result"]
    assert told[-1].tool_result.answer.value.struct_value["state"] == "sent"
    assert agent.asked[1].seq == agent.asked[0].seq + 2


async def test_whole_numbers_stay_whole(stage: Theatre, agent: Agent) -> None:
    agent.responses = [call_tool("refund", cents=1299, rate=0.5), say("Done.")]
    mocks = [tool_config_pb2.ToolMock(tool="refund")]
    mocks[0].rules.add().match.update({"cents": 1299})
    mocks[0].rules[0].answer.value.bool_value = True

    done = await stage.play(
        Script(persona=ONE_TURN), agent=agent.target, tool_config=tool_config_pb2.ToolConfig(mocks=mocks)
    )

    [result] = [event.tool_result for event in await stage.events(done.name) if event.HasField("tool_result")]
    assert result.answer.value.bool_value is True


async def test_waiting_moves_the_virtual_clock_only(stage: Theatre, agent: Agent) -> None:
    wait = pb.ActResponse()
    wait.wait_until.FromJsonString("2026-02-01T00:00:00Z")
    agent.responses = [wait, say("Good morning.")]

    done = await stage.play(Script(persona=ONE_TURN), agent=agent.target)

    events = await stage.events(done.name)
    waited = next(event for event in events if event.HasField("waited"))
    assert waited.waited.until == waited.virtual_time == wait.wait_until
    assert agent.asked[1].virtual_time == wait.wait_until
    assert done.end_time.seconds - done.create_time.seconds < 60


async def test_it_ends_the_conversation_with_or_without_a_word(stage: Theatre, agent: Agent) -> None:
    for text, expected in (("Good-bye.", ["agent_message", "ended"]), ("", ["user_message", "ended"])):
        agent.responses = [pb.ActResponse(end=pb.End(text=text))]

        done = await stage.play(Script(persona=ONE_TURN), agent=agent.target)

        assert (done.state, done.ended.reason) == (State.STATE_COMPLETED, "AGENT_ENDED")
        assert kinds(await stage.events(done.name))[-2:] == expected


async def test_it_does_several_things_at_once(stage: Theatre, agent: Agent) -> None:
    both = pb.ActResponse()
    both.actions.add().say.text = "Let me look."
    both.actions.add().call_tool.MergeFrom(call_tool("find_order", order="O-7").call_tool)
    agent.responses = [both, say("It was sent.")]

    done = await stage.play(Script(persona=[leaves()]), agent=agent.target, source=stage.source)

    assert kinds(await stage.events(done.name))[4:8] == ["agent_message", "tool_call", "tool_result", "agent_message"]


async def test_its_session_is_handed_back_byte_by_byte(stage: Theatre, agent: Agent) -> None:
    blob = bytes(range(256)) * 256
    first = call_tool("find_order", order="O-7")
    first.session = blob
    agent.responses = [first, say("One.", session=b"\0two"), say("Two.", session=b"")]

    await stage.play(Script(persona=[says("x"), says("y"), leaves()]), agent=agent.target, source=stage.source)

    assert [request.session for request in agent.asked] == [b"", blob, b"\0two", b""]


async def test_a_replay_hands_back_the_session_of_its_last_event(stage: Theatre, agent: Agent) -> None:
    agent.responses = [say("One.", session=b"one"), say("Two.", session=b"two")]
    base = await stage.play(Script(persona=[says("x"), says("y"), leaves()]), agent=agent.target)
    first = next(event for event in await stage.events(base.name) if event.HasField("agent_message"))
    agent.asked.clear()

    based_on = conversation_pb2.BasedOn(conversation=base.name, seq=first.seq)
    spec = stage.spec(Script(persona=[says("z"), leaves()]), persona="", procedure="", based_on=based_on)
    done = await stage.over((await stage.client.conversations.start(spec)).name)

    assert agent.asked[0].session == b"one"
    assert (done.spec.agent, done.spec.procedure) == (agent.target, base.spec.procedure)


async def failed(stage: Theatre, agent: Agent) -> event_pb2.Ended:
    mocks = tool_config_pb2.ToolConfig()
    mocks.default_answer.value.bool_value = True
    done = await stage.play(Script(persona=ONE_TURN), agent=agent.target, procedure="", tool_config=mocks)
    assert done.state == State.STATE_FAILED
    assert done.ended.fault == event_pb2.FAULT_AGENT
    return done.ended


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK])
async def test_an_error_of_the_agent_fails_with_the_fault_agent(
    stage: Theatre, agent: Agent, code: grpc.StatusCode
) -> None:
    agent.responses = [code]
    status = grpc.StatusCode
    passing = code in (status.UNAVAILABLE, status.DEADLINE_EXCEEDED, status.RESOURCE_EXHAUSTED)

    ended = await failed(stage, agent)

    assert ended.reason == ("AGENT_UNAVAILABLE" if passing else "AGENT_FAILED")
    failed_how = "does not answer" if passing else "failed"
    assert ended.detail == (
        f'The agent {agent.address} {failed_how}: its Act answered {code.name}, "the agent\'s own words".'
    )
    assert len(agent.asked) == (5 if passing else 1)


@pytest.mark.parametrize(
    "code", [grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ABORTED]
)
async def test_an_agent_that_names_a_pause_is_asked_again_after_it(
    stage: Theatre, agent: Agent, code: grpc.StatusCode
) -> None:
    agent.responses = [Error(code, "rate limit, try in 0.4 s", retry_after=0.4), say("Back.")]

    with stamina.set_testing(False):
        done = await stage.play(Script(persona=ONE_TURN), agent=agent.target)

    assert (done.state, done.attempt) == (State.STATE_COMPLETED, 1)
    first, second = agent.asked_at
    assert second - first >= 0.4


async def test_a_secret_is_sent_as_a_bearer_token_and_is_not_quoted(agent: Agent) -> None:
    agent.responses = [Error(grpc.StatusCode.PERMISSION_DENIED, "canary-93 may not")]
    secrets = AgentSecrets({"my-bot": AgentSecret(host="127.0.0.1")}, {"GREENROOM_SECRET_MY_BOT": "canary-93"})
    caller = GrpcAgent({"address": agent.address, "secret": "my-bot"}, Access(AllowedHosts(loopback=True), 20, secrets))

    with pytest.raises(TargetFailed, match='answered PERMISSION_DENIED, "… may not"'):
        await caller.act(View("conversations/1", 1, (), (), "", 0, b""))

    assert ("authorization", "Bearer canary-93") in agent.metadata
    await caller.close()


async def test_a_pause_of_less_than_nothing_is_none(stage: Theatre, agent: Agent) -> None:
    agent.responses = [Error(grpc.StatusCode.UNAVAILABLE, retry_after=-5), say("Back.")]

    with stamina.set_testing(False):
        done = await stage.play(Script(persona=ONE_TURN), agent=agent.target)

    assert done.state == State.STATE_COMPLETED


async def test_a_message_that_is_too_large_for_grpc_is_not_sent_again(stage: Theatre, agent: Agent) -> None:
    agent.responses = [say("x" * (5 << 20))]

    ended = await failed(stage, agent)

    assert (ended.reason, len(agent.asked)) == ("AGENT_FAILED", 1)
    assert "message larger than max" in ended.detail


async def test_an_exception_of_the_agent_is_quoted(stage: Theatre, agent: Agent) -> None:
    agent.responses = [ValueError("my bug")]

    ended = await failed(stage, agent)

    assert ended.detail.endswith("its Act answered UNKNOWN, \"Unexpected <class 'ValueError'>: my bug\".")


async def test_the_text_of_an_error_is_quoted_on_one_line_without_escapes_and_cut(stage: Theatre, agent: Agent) -> None:
    colours, clipboard, link = (
        "\x1b[31mred\x1b[0m",
        "\x1b]52;c;cm0gLXJm\x07",
        "\x1b]8;;http://x\x1b\\click\x1b]8;;\x1b\\",
    )
    hostile = f"{colours}\n\tbang\a {clipboard}{link}\x9b2J \u202egnp.exe {'x' * 2_000}"
    agent.responses = [Error(grpc.StatusCode.INTERNAL, hostile)]

    ended = await failed(stage, agent)

    said = ended.detail.partition(', "')[2]
    assert said.startswith("red bang\N{REPLACEMENT CHARACTER} click \N{REPLACEMENT CHARACTER}gnp.exe xxx")
    assert said.endswith('x…".')
    assert len(said) == 500 + len('".')


def with_number(number: float) -> pb.ActResponse:
    response = pb.ActResponse(call_tool=pb.CallTool(tool="refund"))
    response.call_tool.arguments.fields["n"].number_value = number
    return response


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (pb.ActResponse(), "AGENT_FAILED"),
        (say(""), "AGENT_SAID_NOTHING"),
        (say(" \n"), "AGENT_SAID_NOTHING"),
        (say("x" * 20_001), "AGENT_SAID_TOO_MUCH"),
        (say("a\0b"), "AGENT_FAILED"),
        (call_tool("a\0b"), "AGENT_FAILED"),
        (call_tool("x" * 200), "AGENT_CALL_TOO_LARGE"),
        (call_tool("refund", text="x" * (1 << 20)), "AGENT_CALL_TOO_LARGE"),
        (with_number(9007199254740993), "AGENT_CALL_NOT_EXACT"),
        (with_number(-(2**53)), "AGENT_CALL_NOT_EXACT"),
        (call_tool("refund", orders=[{"id": 2**64}]), "AGENT_CALL_NOT_EXACT"),
        (with_number(float("nan")), "AGENT_FAILED"),
        (with_number(float("inf")), "AGENT_FAILED"),
        (waiting(0), "AGENT_WAITS_FOR_NO_TIME"),
        (waiting(-(2**60)), "AGENT_WAITS_FOR_NO_TIME"),
        (waiting(2**62), "AGENT_WAITS_FOR_NO_TIME"),
        (say("x", session=b"x" * (64 * 1024 + 1)), "AGENT_SESSION_TOO_LARGE"),
        (call_tool("refund"), "AGENT_SAYS_NOTHING"),
    ],
)
async def test_an_unusable_answer_fails_with_the_fault_agent(
    stage: Theatre, agent: Agent, response: pb.ActResponse, reason: str
) -> None:
    agent.responses = [response]

    assert (await failed(stage, agent)).reason == reason


async def test_an_unavailable_agent_is_asked_the_same_again(stage: Theatre, agent: Agent) -> None:
    agent.responses = [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, say("Back.")]

    done = await stage.play(Script(persona=ONE_TURN), agent=agent.target)

    assert (done.state, done.attempt) == (State.STATE_COMPLETED, 1)
    assert len({request.SerializeToString(deterministic=True) for request in agent.asked}) == 1


async def test_after_a_retry_the_agent_is_asked_for_the_step_that_failed(stage: Theatre, agent: Agent) -> None:
    agent.responses = [say("One."), grpc.StatusCode.INTERNAL, say("Two.")]
    script = Script(persona=[says("x"), says("y"), leaves()])
    broken = await stage.play(script, agent=agent.target)
    assert (broken.ended.reason, broken.ended.fault) == ("AGENT_FAILED", event_pb2.FAULT_AGENT)

    await stage.client.conversations.retry(broken.name)

    done = await stage.over(broken.name)
    assert done.state == State.STATE_COMPLETED
    assert [texts(request.events)[-1] for request in agent.asked] == ["x", "y", "y"]


async def test_after_an_outage_of_the_agent_a_retried_batch_is_as_if_nothing_had_happened(
    stage: Theatre, agent: Agent
) -> None:
    answers = [say("One."), call_tool("find_order", order="O-7"), say("Two."), say("Three.")]
    down: set[int] = set()

    def answer(request: pb.ActRequest) -> Answer:
        own = [event for event in request.events if not event.copied and not event.HasField("user_message")]
        step = len([event for event in own if not event.HasField("tool_result")])
        return grpc.StatusCode.UNAVAILABLE if step in down else answers[step]

    agent.answer = answer
    script = Script(persona=[says("x"), says("y"), leaves()])
    wanted = batches.spec(stage, script, size=5, agent=agent.target, sources=[stage.source])
    undisturbed = await batches.over(stage, (await stage.client.batches.start(wanted)).name)
    assert undisturbed.counts.completed == 5

    down |= {0, 1, 3}
    stage.model.scripts[wanted.conversation.seed] = Script(persona=script.persona)
    disturbed = await batches.over(stage, (await stage.client.batches.start(wanted)).name)
    while down:
        assert disturbed.counts.failed == 5
        down.remove(min(down))
        await stage.client.batches.retry(disturbed.name)
        disturbed = await batches.over(stage, disturbed.name)

    assert disturbed.counts.completed == 5
    left, right = [await batches.results(stage, one.name) for one in (undisturbed, disturbed)]
    assert [(row.digest, row.turns, row.reason) for row in left] == [
        (row.digest, row.turns, row.reason) for row in right
    ]
    assert len({row.digest for row in left}) == 5


async def test_an_address_without_a_server_fails_with_the_fault_agent(stage: Theatre, agent: Agent) -> None:
    nowhere = conversation_pb2.AgentTarget(grpc=conversation_pb2.GrpcAgent(address="localhost:1"))

    done = await stage.play(Script(persona=ONE_TURN), agent=nowhere)

    assert (done.ended.reason, done.ended.fault) == ("AGENT_UNAVAILABLE", event_pb2.FAULT_AGENT)
