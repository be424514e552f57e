"""A frozen peer (SIGSTOP): its connections stay open, but it sends nothing."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from greenroom.testdata.v1 import trace_call_pb2, trace_call_pb2_grpc, trace_learning_pb2, trace_learning_pb2_grpc
from greenroom.testdata.v1 import trace_workflow_pb2 as workflows
from greenroom.testdata.v1.trace_workflow_pb2_grpc import TraceWorkflowServiceStub
from services.gateway.app import build
from services.gateway.settings import GatewaySettings
from shared.rpc.health import Health
from shared.rpc.server import Server
from tests.failures import RpcFailure
from tests.processes import Service, service
from tests.unit.rpc.echo import failure

SERVICE = "greenroom.testdata.v1.TraceWorkflowService"
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


@dataclass
class House:
    """A gateway that waits five seconds for its peers, and a test data service behind it."""

    peer: Service
    channel: grpc.aio.Channel

    def freeze(self) -> None:
        os.kill(self.peer.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.peer.process.pid, signal.SIGCONT)


@pytest.fixture(scope="module")
async def peer(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    async with service("services.testdata", {"GREENROOM_DATA_DIR": str(tmp_path_factory.mktemp("data"))}) as peer:
        yield peer


@pytest.fixture
async def house(peer: Service, tmp_path: Path) -> AsyncIterator[House]:
    """A new gateway before the peer, which is thawed after the test."""
    address: dict[str, Any] = {"testdata_address": f"127.0.0.1:{peer.port}"}
    settings = GatewaySettings(port=0, data_dir=tmp_path, drain_seconds=0, peer_timeout_seconds=5, **address)
    health = Health()
    app = await build(settings, health)
    server = Server(settings, app.registrations, health=health)
    await app.start()
    port = await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield House(peer, channel)
    os.kill(peer.process.pid, signal.SIGCONT)
    await server.stop()
    await app.stop()


async def test_health_says_so_while_a_peer_is_frozen(house: House) -> None:
    watch = health_pb2_grpc.HealthStub(house.channel).Watch(health_pb2.HealthCheckRequest(service=SERVICE))
    await reported(watch, SERVING)

    house.freeze()
    await reported(watch, NOT_SERVING)

    house.thaw()
    await reported(watch, SERVING)


async def test_a_unary_call_without_a_deadline_ends_after_the_timeout_of_peers(house: House) -> None:
    stub = TraceWorkflowServiceStub(house.channel)
    await stub.ListWorkflows(workflows.ListWorkflowsRequest())
    house.freeze()

    told = await failure(stub.ListWorkflows(workflows.ListWorkflowsRequest()))

    assert (told.code, told.reason) == ("DEADLINE_EXCEEDED", "PEER_TIMEOUT")
    assert told.details == {"peer": "testdata", "seconds": "5"}
    house.thaw()
    await stub.ListWorkflows(workflows.ListWorkflowsRequest())


async def test_a_stream_from_a_frozen_peer_ends_after_a_limit(house: House) -> None:
    request = trace_call_pb2.StreamCallsRequest(
        workflow=workflows.WorkflowSource(name="workflows/ecommerce"),
        parameters=trace_call_pb2.TraceParameters(users=1_000_000, seed=1),
        format=trace_call_pb2.StreamCallsRequest.FORMAT_JSONL,
    )
    stream = trace_call_pb2_grpc.TraceStreamServiceStub(house.channel).StreamCalls(request)
    await anext(aiter(stream))
    house.freeze()

    assert is_gone(await failure(stream))


async def test_an_upload_to_a_frozen_peer_ends_after_a_limit(house: House) -> None:
    async def chunks() -> AsyncIterator[trace_learning_pb2.LearnWorkflowRequest]:
        log_format = trace_learning_pb2.LogFormat(kind=trace_learning_pb2.LogFormat.KIND_CSV)
        yield trace_learning_pb2.LearnWorkflowRequest(header=trace_learning_pb2.LearnHeader(format=log_format))
        house.freeze()
        await asyncio.Event().wait()

    upload = trace_learning_pb2_grpc.TraceLearningServiceStub(house.channel).LearnWorkflow(chunks())

    assert is_gone(await failure(upload))


def is_gone(told: RpcFailure) -> bool:
    return (told.code, told.reason, told.details) == ("UNAVAILABLE", "PEER_UNAVAILABLE", {"peer": "testdata"})


async def reported(watch: Any, status: "health_pb2.HealthCheckResponse.ServingStatus.ValueType") -> None:
    while (await watch.read()).status != status:
        pass
