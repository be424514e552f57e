"""grpc.health.v1: the health of each gRPC service of a server.

We do not use the servicer of grpcio-health-checking. It writes to a watcher while it holds the lock that changes of
status need, so one stalled watcher blocks all updates. Its watches also delay a graceful stop by the grace period.
"""

import asyncio
from collections.abc import AsyncIterator

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from shared.errors import NotFound
from shared.rpc.handlers import Context

SERVICE = "grpc.health.v1.Health"
OVERALL = ""
"""The name of the server as a whole."""

_Status = health_pb2.HealthCheckResponse


class UnknownService(NotFound):
    """This server has no service {service}."""

    reason = "SERVICE_UNKNOWN"


class Health(health_pb2_grpc.HealthServicer):  # type: ignore[misc]
    """The health of each service. All are NOT_SERVING while the event loop lags or the server drains."""

    def __init__(self) -> None:
        self._serving: dict[str, bool] = {OVERALL: True}
        self._overloaded = False
        self._draining = False
        self._changed = asyncio.Event()

    def set_serving(self, service: str, serving: bool) -> None:
        """Set the health of a service. service: a full name, or "" for the server as a whole."""
        self._serving[service] = serving
        self._tell()

    def add(self, service: str) -> None:
        """Add a service; it is SERVING unless set_serving said otherwise."""
        self._serving.setdefault(service, True)
        self._tell()

    def set_overloaded(self, overloaded: bool) -> None:
        """Report all services as NOT_SERVING while the event loop lags."""
        if overloaded != self._overloaded:
            self._overloaded = overloaded
            self._tell()

    def drain(self) -> None:
        """Report all services as NOT_SERVING from now on, and end the watches."""
        self._draining = True
        self._tell()

    def is_serving(self, service: str = OVERALL) -> bool:
        """True if the service is reported as SERVING."""
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
        # Each change gets a new event, so a watcher that was busy sending misses no change.
        self._changed.set()
        self._changed = asyncio.Event()


def add_to(server: grpc.aio.Server, health: Health) -> None:
    """Register health checks on a server."""
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
