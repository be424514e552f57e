"""External agents: a server of AgentService is rehearsed as the built-in agent is."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
import stamina

from greenroom.agent.v1 import agent_pb2 as pb
from greenroom.agent.v1 import agent_pb2_grpc
from greenroom.synthesizer.v1 import conversation_pb2, tool_config_pb2
from greenroom.type.v1 import event_pb2
from tests.scripted import Script, State, Theatre, kinds, leaves, says, texts

Answer = pb.ActResponse | grpc.StatusCode
Act = Callable[[pb.ActRequest], Answer | Awaitable[Answer]]


def say(text: str, session: bytes = b"") -> pb.ActResponse:
    return pb.ActResponse(say=pb.Say(text=text), session=session)


def call_tool(name: str, **arguments: Any) -> pb.ActResponse:
    response = pb.ActResponse(call_tool=pb.CallTool(tool=name))
    response.call_tool.arguments.update(arguments)
    return response


@dataclass
class Agent(agent_pb2_grpc.AgentServiceServicer):
    """Answers with one response after another, the last again and again."""

    responses: list[Answer] = field(default_factory=lambda: [say("Hi.")])
    asked: list[pb.ActRequest] = field(default_factory=list)
    address: str = ""

    async def Act(self, request: pb.ActRequest, context: Any) -> pb.ActResponse:  # noqa: N802
        self.asked.append(request)
        answer = self.responses[min(len(self.asked), len(self.responses)) - 1]
        if isinstance(answer, grpc.StatusCode):
            await context.abort(answer, "a secret of the agent's")
        assert isinstance(answer, pb.ActResponse)
        return answer

    @property
    def target(self) -> conversation_pb2.AgentTarget:
        return conversation_pb2.AgentTarget(grpc=conversation_pb2.GrpcAgent(address=self.address))


@pytest.fixture
async def agent() -> AsyncIterator[Agent]:
    servicer = Agent()
    server = grpc.aio.server()
    agent_pb2_grpc.add_AgentServiceServicer_to_server(servicer, server)
    servicer.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    yield servicer
    await server.stop(0)


@pytest.fixture(autouse=True)
def _no_waiting_between_attempts() -> Any:
    with stamina.set_testing(True, attempts=5, cap=True):
        yield


ONE_TURN = [says("Where is it?"), leaves("Bye.")]


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
    assert "secret" not in done.ended.detail
    return done.ended


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK])
async def test_an_error_of_the_agent_is_its_fault(stage: Theatre, agent: Agent, code: grpc.StatusCode) -> None:
    agent.responses = [code]
    passing = code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)

    ended = await failed(stage, agent)

    assert ended.reason == ("AGENT_UNAVAILABLE" if passing else "AGENT_FAILED")
    assert code.name in ended.detail
    assert agent.address in ended.detail
    assert len(agent.asked) == (5 if passing else 1)


def waiting(seconds: int) -> pb.ActResponse:
    response = pb.ActResponse()
    response.wait_until.seconds = seconds
    return response


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
        (with_number(float("nan")), "AGENT_FAILED"),
        (with_number(float("inf")), "AGENT_FAILED"),
        (waiting(0), "AGENT_WAITS_FOR_NO_TIME"),
        (waiting(-(2**60)), "AGENT_WAITS_FOR_NO_TIME"),
        (waiting(2**62), "AGENT_WAITS_FOR_NO_TIME"),
        (say("x", session=b"x" * (64 * 1024 + 1)), "AGENT_SESSION_TOO_LARGE"),
        (call_tool("refund"), "AGENT_SAYS_NOTHING"),
    ],
)
async def test_an_answer_that_cannot_be_used_is_the_agents_fault(
    stage: Theatre, agent: Agent, response: pb.ActResponse, reason: str
) -> None:
    agent.responses = [response]

    assert (await failed(stage, agent)).reason == reason


async def test_an_agent_that_is_away_for_a_moment_is_asked_the_same_again(stage: Theatre, agent: Agent) -> None:
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


async def test_nobody_at_the_address_is_the_agents_fault(stage: Theatre, agent: Agent) -> None:
    nowhere = conversation_pb2.AgentTarget(grpc=conversation_pb2.GrpcAgent(address="localhost:1"))

    done = await stage.play(Script(persona=ONE_TURN), agent=nowhere)

    assert (done.ended.reason, done.ended.fault) == ("AGENT_UNAVAILABLE", event_pb2.FAULT_AGENT)
