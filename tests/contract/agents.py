"""Agents over gRPC that answer as a test says."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.rpc import error_details_pb2, status_pb2

from greenroom.agent.v1 import agent_pb2 as pb
from greenroom.agent.v1 import agent_pb2_grpc
from greenroom.synthesizer.v1 import conversation_pb2


@dataclass(frozen=True)
class Error:
    """What an agent aborts with. retry_after: seconds in a RetryInfo among its details."""

    code: grpc.StatusCode
    text: str = "the agent's own words"
    retry_after: float | None = None

    @property
    def trailers(self) -> tuple[tuple[str, bytes], ...]:
        if self.retry_after is None:
            return ()
        status = status_pb2.Status(code=self.code.value[0], message=self.text)
        status.details.add().Pack(error_details_pb2.ErrorInfo(reason="BUSY"))
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromNanoseconds(round(self.retry_after * 1e9))
        status.details.add().Pack(retry)
        return (("grpc-status-details-bin", status.SerializeToString()),)


Answer = pb.ActResponse | grpc.StatusCode | Error | Exception


def say(text: str, session: bytes = b"") -> pb.ActResponse:
    return pb.ActResponse(say=pb.Say(text=text), session=session)


def call_tool(name: str, **arguments: Any) -> pb.ActResponse:
    response = pb.ActResponse(call_tool=pb.CallTool(tool=name))
    response.call_tool.arguments.update(arguments)
    return response


def waiting(seconds: int) -> pb.ActResponse:
    response = pb.ActResponse()
    response.wait_until.seconds = seconds
    return response


@dataclass
class Agent(agent_pb2_grpc.AgentServiceServicer):
    """Answers with one response after another, the last again and again; or as `answer` says."""

    responses: list[Answer] = field(default_factory=lambda: [say("Hi.")])
    asked: list[pb.ActRequest] = field(default_factory=list)
    answer: Callable[[pb.ActRequest], Answer] | None = None
    asked_at: list[float] = field(default_factory=list)
    metadata: list[tuple[str, str]] = field(default_factory=list)
    address: str = ""

    async def Act(self, request: pb.ActRequest, context: Any) -> pb.ActResponse:  # noqa: N802
        self.asked.append(request)
        self.asked_at.append(time.monotonic())
        self.metadata = list(context.invocation_metadata())
        answer = self.responses[min(len(self.asked), len(self.responses)) - 1]
        if self.answer is not None:
            answer = self.answer(request)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, grpc.StatusCode):
            answer = Error(answer)
        if isinstance(answer, Error):
            await context.abort(answer.code, answer.text, answer.trailers)
        assert isinstance(answer, pb.ActResponse)
        return answer

    @property
    def target(self) -> conversation_pb2.AgentTarget:
        return conversation_pb2.AgentTarget(grpc=conversation_pb2.GrpcAgent(address=self.address))


class BusyAgent(agent_pb2_grpc.AgentServiceServicer):
    """Counts its concurrent calls. It answers none until there are as many as expected."""

    def __init__(self) -> None:
        self.address = ""
        self.at_once = self.peak = self.expected = 0
        self.reached = asyncio.Event()

    async def Act(self, request: pb.ActRequest, context: Any) -> pb.ActResponse:  # noqa: ARG002, N802
        self.at_once += 1
        self.peak = max(self.peak, self.at_once)
        if self.at_once >= self.expected:
            self.reached.set()
        await self.reached.wait()
        await asyncio.sleep(0.01)
        self.at_once -= 1
        return pb.ActResponse(say=pb.Say(text="Hi."))

    def target(self, max_in_flight: int) -> conversation_pb2.AgentTarget:
        return conversation_pb2.AgentTarget(
            grpc=conversation_pb2.GrpcAgent(address=self.address), max_in_flight=max_in_flight
        )


@asynccontextmanager
async def served(servicer: Any) -> AsyncIterator[None]:
    """Serve an AgentService on a free port; the servicer gets its `address`."""
    server = grpc.aio.server()
    agent_pb2_grpc.add_AgentServiceServicer_to_server(servicer, server)
    servicer.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    yield
    await server.stop(0)
