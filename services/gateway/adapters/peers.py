"""The health of the services behind the gateway."""

import asyncio
import contextlib
from collections.abc import Iterable

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from shared.rpc.health import Health

_RETRY_SECONDS = 1.0
_PROBE_SECONDS = 1.0
_LONGEST_PROBE = 5.0


class HealthMirror:
    """Reports each service as its peer reports it; NOT_SERVING while the peer cannot be asked or does not answer.

    A frozen peer sends nothing on its watches, so it is also probed.

    services: full names of gRPC services, each with the channel to its peer.
    timeout: seconds that a peer may take to answer a probe, at most 5.
    """

    def __init__(
        self, services: Iterable[tuple[str, grpc.aio.Channel]], health: Health, timeout: float = _LONGEST_PROBE
    ) -> None:
        self._peers: dict[grpc.aio.Channel, set[str]] = {}
        for service, channel in services:
            self._peers.setdefault(channel, set()).add(service)
        self._health = health
        self._timeout = min(timeout, _LONGEST_PROBE)
        self._serving: set[str] = set()
        self._answering: set[grpc.aio.Channel] = set()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Follow the peers' health until stop."""
        for channel, services in self._peers.items():
            stub = health_pb2_grpc.HealthStub(channel)
            self._answering.add(channel)
            self._tasks.append(asyncio.create_task(self._probe(stub, channel)))
            for service in services:
                self._report(channel, service, False)
                self._tasks.append(asyncio.create_task(self._mirror(stub, channel, service)))

    async def stop(self) -> None:
        """Cancel the health watches."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    def _report(self, channel: grpc.aio.Channel, service: str, serving: bool) -> None:
        (self._serving.add if serving else self._serving.discard)(service)
        self._health.set_serving(service, serving and channel in self._answering)

    async def _mirror(self, stub: health_pb2_grpc.HealthStub, channel: grpc.aio.Channel, service: str) -> None:
        while True:
            # The call waits until the peer can be reached; the channel paces the attempts.
            call = stub.Watch(health_pb2.HealthCheckRequest(service=service), wait_for_ready=True)
            try:
                with contextlib.suppress(grpc.aio.AioRpcError):
                    async for response in call:
                        self._report(channel, service, response.status == health_pb2.HealthCheckResponse.SERVING)
            finally:
                call.cancel()
            self._report(channel, service, False)
            await asyncio.sleep(_RETRY_SECONDS)

    async def _probe(self, stub: health_pb2_grpc.HealthStub, channel: grpc.aio.Channel) -> None:
        while True:
            await asyncio.sleep(_PROBE_SECONDS)
            try:
                await stub.Check(health_pb2.HealthCheckRequest(), timeout=self._timeout)
                answers = True
            except grpc.aio.AioRpcError:
                answers = False
            if answers != (channel in self._answering):
                (self._answering.add if answers else self._answering.discard)(channel)
                for service in self._peers[channel]:
                    self._report(channel, service, service in self._serving)
