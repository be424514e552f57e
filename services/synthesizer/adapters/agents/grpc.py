"""Agents that implement greenroom.agent.v1.AgentService."""

import asyncio
import contextlib
import socket
from collections.abc import Mapping

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from greenroom.agent.v1 import agent_pb2_grpc
from services.synthesizer.adapters.agents.acts import ResponseUnusable, act_request, action_of
from services.synthesizer.adapters.agents.connecting import FORBIDDEN, UNKNOWN_NAME, not_connected, not_served
from services.synthesizer.adapters.agents.kind import Access, ExternalAgent
from services.synthesizer.adapters.agents.web import address_problem
from services.synthesizer.conversations.targets import Action, TargetFailed, TargetUnavailable, View
from shared.llm.wire import without_secrets
from shared.model.events import Json
from shared.plain import plain
from shared.rpc.errors import DETAILS_KEY

# By default the pause between attempts to connect grows to two minutes, and calls fail meanwhile.
# A proxy would look the name up itself, and dial an address that was not checked.
_OPTIONS = (
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.enable_http_proxy", 0),
)

_WORTH_A_RETRY = frozenset(
    {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.RESOURCE_EXHAUSTED}
)
_TOO_LARGE = "message larger than max"
"""What gRPC says with RESOURCE_EXHAUSTED about a message that is as large at every attempt."""
_MAX_QUOTE = 500


class GrpcAgent(ExternalAgent):
    """A server that implements greenroom.agent.v1.AgentService. config: the fields of the message GrpcAgent."""

    def __init__(self, config: Mapping[str, Json], access: Access) -> None:
        self._address = config["address"]
        self._allowed = access.hosts
        self._timeout = access.timeout
        self._tls = bool(config.get("tls"))
        self._secrets = (access.secrets.value(config["secret"]),) if "secret" in config else ()
        self._metadata = tuple(("authorization", f"Bearer {secret}") for secret in self._secrets)
        self._channels: dict[str, grpc.aio.Channel] = {}
        self._target = ""
        self._looking_up = asyncio.Lock()

    @staticmethod
    def hosts(config: Mapping[str, Json]) -> Mapping[str, str]:
        return {"address": config["address"].rpartition(":")[0]}

    @staticmethod
    def problems(config: Mapping[str, Json]) -> Mapping[str, str]:
        wrong = address_problem(f"grpc://{config['address']}")
        return {"address": wrong} if wrong else {}

    async def act(self, view: View) -> Action:
        channel = await self._channel()
        stub = agent_pb2_grpc.AgentServiceStub(channel)
        try:
            response = await stub.Act(act_request(view), timeout=self._timeout, metadata=self._metadata)
        except grpc.aio.AioRpcError as error:
            # An agent may send a text like gRPC's own; then the channel is connected.
            connected = channel.get_state() is grpc.ChannelConnectivity.READY
            if not connected:
                self._target = ""
            raise self._refused(error, connected) from error
        try:
            return action_of(response, view)
        except ResponseUnusable as error:
            raise self._failed(f"its Act {error}") from error

    async def close(self) -> None:
        for channel in self._channels.values():
            await channel.close()

    async def _channel(self) -> grpc.aio.Channel:
        """The channel to the addresses of the agent's name, looked up again after a lost connection.

        gRPC looks no name up itself, so that it dials only addresses that were checked.
        Raises TargetUnavailable, TargetFailed.
        """
        async with self._looking_up:
            self._target = self._target or await self._checked_target()
        if self._target not in self._channels:
            self._channels[self._target] = self._opened(self._target)
        return self._channels[self._target]

    async def _checked_target(self) -> str:
        host, _, port = self._address.rpartition(":")
        name = host.strip("[]")
        try:
            async with asyncio.timeout(self._timeout):
                found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:  # a TimeoutError is an OSError
            raise self._unavailable(UNKNOWN_NAME) from error
        addresses = [str(address[0]) for *_, address in found]
        if not all(self._allowed.may_dial(host, address) for address in addresses):
            raise self._failed(FORBIDDEN)
        # A target has addresses of one family; those of IPv4 have a form in IPv6, too.
        return "ipv6:" + ",".join(f"[{'' if ':' in one else '::ffff:'}{one}]:{port}" for one in addresses)

    def _opened(self, target: str) -> grpc.aio.Channel:
        """A channel to a target that calls the agent, and checks its certificate, by its name."""
        options = (*_OPTIONS, ("grpc.default_authority", self._address))
        if self._tls:
            return grpc.aio.secure_channel(target, grpc.ssl_channel_credentials(), options=options)
        return grpc.aio.insecure_channel(target, options=options)

    def _refused(self, error: grpc.aio.AioRpcError, connected: bool) -> TargetUnavailable | TargetFailed:
        said = plain(without_secrets(error.details() or "", self._secrets), _MAX_QUOTE)
        why = self._explained(error.code(), said, connected)
        if why is None:
            why = f"its Act answered {error.code().name}" + (f', "{said}"' if said else "")
        retry_after = _retry_after(error)
        if _TOO_LARGE in said or (error.code() not in _WORTH_A_RETRY and retry_after is None):
            return self._failed(why)
        unavailable = self._unavailable(why)
        unavailable.retry_after = retry_after
        return unavailable

    def _explained(self, code: grpc.StatusCode, said: str, connected: bool) -> str | None:
        """Why the agent cannot be called at all; None if it answered."""
        if code is grpc.StatusCode.UNIMPLEMENTED:
            return not_served(said)
        return None if connected else not_connected(said, self._tls)

    def _unavailable(self, why: str) -> TargetUnavailable:
        return TargetUnavailable(agent=self._address, why=why)

    def _failed(self, why: str) -> TargetFailed:
        return TargetFailed(agent=self._address, why=why)


def _retry_after(error: grpc.aio.AioRpcError) -> float | None:
    """The seconds in the RetryInfo of an error; None if it has none."""
    retry = error_details_pb2.RetryInfo()
    for key, value in error.trailing_metadata() or ():
        if key != DETAILS_KEY or not isinstance(value, bytes):
            continue
        with contextlib.suppress(DecodeError):
            for detail in status_pb2.Status.FromString(value).details:
                if detail.Unpack(retry):
                    delay: float = retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9
                    return max(0.0, delay)
    return None
