"""grpc.health.v1: what each service of a server can do right now, each fact told to whoever watches.

Not grpcio-health-checking's servicer: that one writes to a watcher while it holds the lock which a change of status
needs, so a single stalled watcher stops all news, and its watches hold up a graceful stop for the whole grace.
"""

import asyncio
from collections.abc import AsyncIterator

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from shared.errors import NotFound
from shared.rpc.handlers import Context

SERVICE = "grpc.health.v1.Health"
OVERALL = ""
"""The name under which the server as a whole answers."""

_Status = health_pb2.HealthCheckResponse


class UnknownService(NotFound):
    """This server has no service {service}."""

    reason = "SERVICE_UNKNOWN"


class Health(health_pb2_grpc.HealthServicer):  # type: ignore[misc]
    """The state of each service. A service serves if it says so, the loop keeps up, and the server does not drain."""

    def __init__(self) -> None:
        self._serving: dict[str, bool] = {OVERALL: True}
        self._overloaded = False
        self._draining = False
        self._changed = asyncio.Event()

    def set_serving(self, service: str, serving: bool) -> None:
        """Say whether service (a full name, or "" for the server as a whole) can do its work."""
        self._serving[service] = serving
        self._tell()

    def add(self, service: str) -> None:
        """Make service known; it serves unless something else was said of it."""
        self._serving.setdefault(service, True)
        self._tell()

    def set_overloaded(self, overloaded: bool) -> None:
        """Say whether the event loop lags behind; nothing serves while it does."""
        if overloaded != self._overloaded:
            self._overloaded = overloaded
            self._tell()

    def drain(self) -> None:
        """For good: nothing serves any more, and watches end after they said so."""
        self._draining = True
        self._tell()

    def is_serving(self, service: str = OVERALL) -> bool:
        """Whether service would be reported as serving."""
        return self._serving.get(service, False) and not self._overloaded and not self._draining

    async def Check(  # noqa: N802
        self,
        request: health_pb2.HealthCheckRequest,
        context: Context,  # noqa: ARG002
    ) -> health_pb2.HealthCheckResponse:
        if request.service not in self._serving:
            raise UnknownService(service=request.service)
        return _Status(status=self._status(request.service))

    async def List(  # noqa: N802
        self,
        request: health_pb2.HealthListRequest,  # noqa: ARG002
        context: Context,  # noqa: ARG002
    ) -> health_pb2.HealthListResponse:
        return health_pb2.HealthListResponse(
            statuses={service: _Status(status=self._status(service)) for service in self._serving}
        )

    async def Watch(  # noqa: N802
        self,
        request: health_pb2.HealthCheckRequest,
        context: Context,  # noqa: ARG002
    ) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        sent = None
        while True:
            changed, status = self._changed, self._status(request.service)
            if status != sent:
                yield _Status(status=status)
                sent = status
            if self._draining:
                return
            await changed.wait()

    def _status(self, service: str) -> health_pb2.HealthCheckResponse.ServingStatus.ValueType:
        if service not in self._serving:
            return _Status.SERVICE_UNKNOWN
        return _Status.SERVING if self.is_serving(service) else _Status.NOT_SERVING

    def _tell(self) -> None:
        # Each state has an event of its own, so that a watcher which was busy sending misses nothing.
        self._changed.set()
        self._changed = asyncio.Event()


def add_to(server: grpc.aio.Server, health: Health) -> None:
    """Answer health checks on server."""
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
