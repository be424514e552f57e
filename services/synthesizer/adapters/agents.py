"""Agents under test that live elsewhere: a class a kind, a line in the registry."""

from collections.abc import Callable, Mapping

import grpc
from google.protobuf import json_format
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from greenroom.agent.v1 import agent_pb2, agent_pb2_grpc
from greenroom.type.v1 import event_pb2
from services.synthesizer.conversations.model import AgentTarget
from services.synthesizer.conversations.targets import (
    Action,
    Call,
    EndTalk,
    Say,
    Target,
    TargetFailed,
    TargetUnavailable,
    View,
    WaitUntil,
)
from shared.model.events import Event, Json
from shared.rpc.validation import strings_with_nul

EventMessage = Callable[[Event, str], event_pb2.Event]
"""Writes an event as a message; it lives with the servicers, who say it to callers."""

# gRPC's own backoff grows to two minutes, in which calls fail: a retry would not find an agent that is back.
_OPTIONS = (("grpc.initial_reconnect_backoff_ms", 200), ("grpc.max_reconnect_backoff_ms", 1_000))

_PASSING = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED})


class GrpcAgent:
    """A server that implements greenroom.agent.v1.AgentService."""

    def __init__(self, channel: grpc.aio.Channel, address: str, event_message: EventMessage, timeout: float) -> None:
        self._stub = agent_pb2_grpc.AgentServiceStub(channel)
        self._address = address
        self._event_message = event_message
        self._timeout = timeout

    async def act(self, view: View) -> Action:
        """Ask the agent once. Raises TargetUnavailable, TargetFailed."""
        try:
            response = await self._stub.Act(self._request(view), timeout=self._timeout)
        except grpc.aio.AioRpcError as error:
            failed = TargetUnavailable if error.code() in _PASSING else TargetFailed
            raise failed(agent=self._address, why=f"its Act answered {error.code().name}") from error
        if strings_with_nul(response):
            raise TargetFailed(agent=self._address, why="its Act answered a text with the character NUL")
        return Action(self._action(response), session=response.session)

    def _request(self, view: View) -> agent_pb2.ActRequest:
        request = agent_pb2.ActRequest(
            conversation=view.conversation,
            seq=view.seq,
            events=[self._event_message(event, view.conversation) for event in view.transcript],
            instructions=view.instructions,
            virtual_time=Timestamp(seconds=view.now // 1000, nanos=view.now % 1000 * 1_000_000),
            session=view.session,
        )
        for tool in view.tools:
            added = request.tools.add(name=tool.name, description=tool.description)
            added.arguments_schema.update(tool.arguments_schema)
        return request

    def _action(self, response: agent_pb2.ActResponse) -> Say | Call | WaitUntil | EndTalk:
        match response.WhichOneof("action"):
            case "say":
                return Say(response.say.text)
            case "call_tool":
                return Call(response.call_tool.tool, self._arguments(response.call_tool.arguments))
            case "wait_until":
                # Not ToMilliseconds, which raises for what is no time; whether it is one is for the turn loop to say.
                return WaitUntil(response.wait_until.seconds * 1000 + response.wait_until.nanos // 1_000_000)
            case "end":
                return EndTalk(response.end.text)
            case _:
                raise TargetFailed(agent=self._address, why="its Act answered no action")

    def _arguments(self, struct: Struct) -> dict[str, Json]:
        try:
            return dict(MessageToDict(struct))
        except (ValueError, json_format.Error) as error:
            why = "it called a tool with an argument that JSON does not have"
            raise TargetFailed(agent=self._address, why=why) from error


class Agents:
    """Opens external agents, one channel an address."""

    def __init__(self, event_message: EventMessage, timeout: float) -> None:
        self._event_message = event_message
        self._timeout = timeout
        self._channels: dict[AgentTarget, grpc.aio.Channel] = {}

    def open(self, target: AgentTarget) -> Target:
        """The agent at a target's address."""
        return _KINDS[target.kind](self, target)

    def grpc(self, target: AgentTarget) -> Target:
        """An agent that speaks greenroom.agent.v1."""
        if target not in self._channels:
            self._channels[target] = (
                grpc.aio.secure_channel(target.address, grpc.ssl_channel_credentials(), options=_OPTIONS)
                if target.tls
                else grpc.aio.insecure_channel(target.address, options=_OPTIONS)
            )
        return GrpcAgent(self._channels[target], target.address, self._event_message, self._timeout)

    async def close(self) -> None:
        """Let go of all of them."""
        for channel in self._channels.values():
            await channel.close()


_KINDS: Mapping[str, Callable[[Agents, AgentTarget], Target]] = {"grpc": Agents.grpc}
"""From a target's kind to what opens it."""
