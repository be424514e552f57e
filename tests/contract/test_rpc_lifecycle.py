"""The life of a server: listening, health, drain, TLS."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from pydantic import SecretStr

from shared.rpc.channels import Channels
from shared.rpc.server import PortTaken, Server, check_address
from shared.settings import IncompleteTls, Settings, UnsafeListening
from tests.failures import from_rpc_error
from tests.unit.rpc.certificates import write_certificate
from tests.unit.rpc.echo import (
    NAME,
    OWN_CONNECTION,
    Echo,
    EchoRequest,
    EchoServicer,
    EchoStub,
    failure,
    registration,
    serving,
)

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVICE_UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    async with serving(Settings(drain_seconds=30)) as echo:
        yield echo


def health_of(echo: Echo) -> health_pb2_grpc.HealthStub:
    return health_pb2_grpc.HealthStub(echo.channel)


async def test_each_service_and_the_server_itself_report_their_health(echo: Echo) -> None:
    for service in ("", NAME):
        answer = await health_of(echo).Check(health_pb2.HealthCheckRequest(service=service))
        assert answer.status == SERVING


async def test_the_health_of_all_services_is_listed(echo: Echo) -> None:
    answer = await health_of(echo).List(health_pb2.HealthListRequest())

    assert {service: state.status for service, state in answer.statuses.items()} == {"": SERVING, NAME: SERVING}


async def test_the_health_of_an_unknown_service_is_not_found(echo: Echo) -> None:
    told = await failure(health_of(echo).Check(health_pb2.HealthCheckRequest(service="no.such.Service")))

    assert (told.code, told.reason) == ("NOT_FOUND", "SERVICE_UNKNOWN")


async def test_a_health_watch_reports_changes_only(echo: Echo) -> None:
    watch = health_of(echo).Watch(health_pb2.HealthCheckRequest(service=NAME))
    assert (await watch.read()).status == SERVING

    echo.server.set_serving("", False)
    echo.server.set_serving(NAME, False)
    assert (await watch.read()).status == NOT_SERVING

    echo.server.set_serving(NAME, True)
    assert (await watch.read()).status == SERVING


async def test_a_health_watch_of_an_unknown_service_waits_for_it(echo: Echo) -> None:
    watch = health_of(echo).Watch(health_pb2.HealthCheckRequest(service="later"))
    assert (await watch.read()).status == SERVICE_UNKNOWN

    echo.server.set_serving("later", True)
    assert (await watch.read()).status == SERVING


async def test_a_drain_reports_not_serving_ends_watches_with_their_cursor_and_lets_calls_finish(echo: Echo) -> None:
    health = health_of(echo).Watch(health_pb2.HealthCheckRequest())
    assert (await health.read()).status == SERVING
    watch = echo.stub.Watch(EchoRequest())
    assert (await watch.read()).text == "a,b"
    held = echo.stub.Bidi()
    await held.write(EchoRequest(text="before"))
    assert (await held.read()).text == "before"
    await echo.servicer.waiting.wait()

    stopping = asyncio.create_task(echo.server.stop())

    assert (await health.read()).status == NOT_SERVING
    assert await health.read() is grpc.aio.EOF
    assert (await watch.read()).text == "heartbeat after b"
    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await watch.read()
    assert from_rpc_error(ended.value).reason == "SERVER_DRAINING"
    await held.write(EchoRequest(text="after"))
    assert (await held.read()).text == "after"
    assert not stopping.done()
    await held.done_writing()
    await stopping


async def test_a_drain_cancels_calls_that_do_not_finish_in_time() -> None:
    async with serving(Settings(drain_seconds=0.01)) as echo:
        waiting = asyncio.ensure_future(failure(echo.stub.Unary(EchoRequest(text="wait"))))
        await echo.servicer.waiting.wait()

        await echo.server.stop()

        await echo.servicer.cancelled.wait()
        assert (await waiting).code == "UNAVAILABLE"


async def test_a_watch_is_closed_when_its_reader_disconnects(echo: Echo) -> None:
    watch = echo.stub.Watch(EchoRequest())
    await watch.read()
    watch.cancel()

    await echo.servicer.cancelled.wait()


async def test_a_stream_is_closed_at_once_when_a_stalled_reader_disconnects(echo: Echo) -> None:
    flood = echo.stub.ServerStream(EchoRequest(text="flood"))
    await flood.read()
    flood.cancel()

    await echo.servicer.cancelled.wait()


async def test_a_second_server_on_the_same_port_is_refused(echo: Echo) -> None:
    second = Server(Settings(port=echo.port), [registration(EchoServicer())])

    with pytest.raises(PortTaken, match=f"127.0.0.1:{echo.port}"):
        await second.start()


async def test_a_taken_port_is_reported_before_anything_else_happens(echo: Echo) -> None:
    with pytest.raises(PortTaken, match=f"127.0.0.1:{echo.port}: .* --port"):
        check_address(Settings(port=echo.port))


async def test_the_port_of_a_stopped_server_is_free() -> None:
    async with serving() as echo:
        await echo.stub.Unary(EchoRequest(text="hello"))

    check_address(Settings(port=echo.port))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.org"])
async def test_a_server_refuses_to_listen_beyond_loopback_unprotected(host: str) -> None:
    with pytest.raises(UnsafeListening, match=r"authentication .* and TLS"):
        await Server(Settings(host=host), []).start()


async def test_beyond_loopback_authentication_without_tls_is_refused() -> None:
    with pytest.raises(UnsafeListening, match="without TLS"):
        await Server(Settings(host="0.0.0.0", jwt_secret=SecretStr("x" * 32)), []).start()


async def test_an_explicit_flag_lets_a_server_listen_everywhere() -> None:
    server = Server(Settings(host="0.0.0.0", insecure=True), [])

    assert await server.start() > 0
    await server.stop()


async def test_a_certificate_without_its_key_is_refused(tmp_path: Path) -> None:
    cert, _ = write_certificate(tmp_path)

    with pytest.raises(IncompleteTls):
        await Server(Settings(tls_cert=cert), []).start()


async def test_with_a_certificate_the_server_speaks_tls(tmp_path: Path) -> None:
    cert, key = write_certificate(tmp_path)
    settings = Settings(host="0.0.0.0", tls_cert=cert, tls_key=key, tls_ca=cert, insecure=True, drain_seconds=0)
    server = Server(settings, [registration(EchoServicer())])
    port = await server.start()
    channels = Channels(settings)

    answer = await EchoStub(channels.to(f"localhost:{port}")).Unary(EchoRequest(text="safe"))

    assert answer.text == "safe"
    await channels.close()
    await server.stop()


async def too_many_pings(address: str, seconds: float, *, within: float) -> str:
    """The sentence that ends a silent watch of a client that pings at this interval; "" if none ends it `within` s."""
    options = (
        *OWN_CONNECTION,
        ("grpc.keepalive_time_ms", round(seconds * 1000)),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
    )
    async with grpc.aio.insecure_channel(address, options) as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == SERVING
        try:
            async with asyncio.timeout(within):
                await watch.read()
        except TimeoutError:
            return ""
        except grpc.aio.AioRpcError as error:
            return error.details() or ""
    raise AssertionError("the watch ended")


def test_clients_may_ping_every_ten_seconds() -> None:
    assert Settings().client_ping_seconds <= 10


async def test_a_client_that_pings_as_often_as_it_may_keeps_its_silent_watch() -> None:
    async with serving(Settings(client_ping_seconds=1)) as echo:
        assert await too_many_pings(f"127.0.0.1:{echo.port}", 1, within=5.5) == ""


async def test_a_client_that_pings_more_often_is_disconnected_with_too_many_pings() -> None:
    async with serving(Settings(client_ping_seconds=10)) as echo:
        assert "too many pings" in (await too_many_pings(f"127.0.0.1:{echo.port}", 0.1, within=60)).lower()
