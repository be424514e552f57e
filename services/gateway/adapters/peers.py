"""The services behind the gateway: which ones each peer answers, and how each of them is."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

import grpc
from google.protobuf.descriptor import FileDescriptor
from grpc_health.v1 import health_pb2, health_pb2_grpc

from greenroom.synthesizer.v1 import batch_pb2, conversation_pb2, persona_pb2, procedure_pb2, source_pb2
from greenroom.testdata.v1 import trace_pb2
from services.gateway.settings import GatewaySettings
from shared.rpc.channels import Channels
from shared.rpc.health import Health

_RETRY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Peer:
    """One process behind the gateway.

    name: for people. address: `host:port`. services: the full names of what it answers.
    """

    name: str
    address: str
    services: tuple[str, ...]


def peers(settings: GatewaySettings) -> tuple[Peer, ...]:
    """Everyone the gateway forwards to."""
    synthesizer = (persona_pb2, procedure_pb2, source_pb2, conversation_pb2, batch_pb2)
    return (
        Peer("testdata", settings.testdata_address, _services(trace_pb2.DESCRIPTOR)),
        Peer("synthesizer", settings.synthesizer_address, _services(*(file.DESCRIPTOR for file in synthesizer))),
    )


class HealthMirror:
    """Reports each forwarded service as its peer reports it; as not serving while the peer cannot be asked."""

    def __init__(self, peers: Sequence[Peer], channels: Channels, health: Health) -> None:
        self._peers = peers
        self._channels = channels
        self._health = health
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Ask until stop."""
        for peer in self._peers:
            stub = health_pb2_grpc.HealthStub(self._channels.to(peer.address))
            for service in peer.services:
                self._health.set_serving(service, False)
                self._tasks.append(asyncio.create_task(self._mirror(stub, service)))

    async def stop(self) -> None:
        """Ask no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def _mirror(self, stub: health_pb2_grpc.HealthStub, service: str) -> None:
        while True:
            # The call waits until the peer can be reached; the channel paces the attempts.
            call = stub.Watch(health_pb2.HealthCheckRequest(service=service), wait_for_ready=True)
            try:
                with contextlib.suppress(grpc.aio.AioRpcError):
                    async for response in call:
                        serving = response.status == health_pb2.HealthCheckResponse.SERVING
                        self._health.set_serving(service, serving)
            finally:
                call.cancel()
            self._health.set_serving(service, False)
            await asyncio.sleep(_RETRY_SECONDS)


def _services(*files: FileDescriptor) -> tuple[str, ...]:
    return tuple(service.full_name for file in files for service in file.services_by_name.values())
