"""The gateway reports the health of each service as the service itself does."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from services.gateway.app import build
from services.gateway.settings import GatewaySettings
from shared.roster import SERVICES
from shared.rpc.health import Health
from shared.rpc.server import Server
from shared.settings import Settings
from tests.unit.rpc.echo import failure, raw

BATCHES = "greenroom.synthesizer.v1.BatchService"
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class Peer:
    """A server with the health of a synthesizer, which can stop and restart on its port."""

    def __init__(self) -> None:
        self.port = 0

    async def start(self) -> None:
        self.server = Server(Settings(port=self.port, drain_seconds=0), [])
        self.server.set_serving(BATCHES, True)
        self.port = await self.server.start()


@dataclass
class Front:
    """A gateway and its peer."""

    peer: Peer
    channel: grpc.aio.Channel

    def watch(self, service: str) -> Any:
        return health_pb2_grpc.HealthStub(self.channel).Watch(health_pb2.HealthCheckRequest(service=service))


@pytest.fixture
async def front(tmp_path: Path) -> AsyncIterator[Front]:
    peer, health = Peer(), Health()
    await peer.start()
    address: dict[str, Any] = {"synthesizer_address": f"127.0.0.1:{peer.port}"}
    settings = GatewaySettings(port=0, data_dir=tmp_path, drain_seconds=0, **address)
    app = await build(settings, health)
    server = Server(settings, app.registrations, health=health)
    await app.start()
    port = await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield Front(peer, channel)
    await server.stop()
    await app.stop()
    await peer.server.stop()


async def test_the_health_of_a_service_is_the_health_at_its_peer(front: Front) -> None:
    watch = front.watch(BATCHES)
    await reported(watch, SERVING)

    front.peer.server.set_serving(BATCHES, False)
    await reported(watch, NOT_SERVING)

    front.peer.server.set_serving(BATCHES, True)
    await reported(watch, SERVING)


async def test_a_service_is_not_serving_while_its_peer_is_down(front: Front) -> None:
    watch = front.watch(BATCHES)
    await reported(watch, SERVING)

    await front.peer.server.stop()
    await reported(watch, NOT_SERVING)

    await front.peer.start()
    await reported(watch, SERVING)


async def test_the_gateway_itself_serves_while_its_peers_are_down(front: Front) -> None:
    await reported(front.watch(BATCHES), SERVING)
    await front.peer.server.stop()

    answer = await health_pb2_grpc.HealthStub(front.channel).Check(health_pb2.HealthCheckRequest())

    assert answer.status == SERVING


async def test_reflection_lists_the_forwarded_services_and_its_own(front: Front) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub(front.channel)
    request = reflection_pb2.ServerReflectionRequest(list_services="*")

    (answer,) = [answer async for answer in stub.ServerReflectionInfo(iter([request]))]

    listed = {service.name for service in answer.list_services_response.service}
    assert {service for one in SERVICES for service in one.rpc_services} < listed


async def test_a_call_to_a_peer_that_is_down_names_the_peer(front: Front) -> None:
    await front.peer.server.stop()

    told = await failure(raw(front.channel, f"/{BATCHES}/GetBatch")(b""))

    assert (told.code, told.reason, told.details) == ("UNAVAILABLE", "PEER_UNAVAILABLE", {"peer": "synthesizer"})


async def reported(
    watch: Any,
    status: "health_pb2.HealthCheckResponse.ServingStatus.ValueType",
) -> None:
    """Wait until `watch` reports `status`."""
    while (await watch.read()).status != status:
        pass
