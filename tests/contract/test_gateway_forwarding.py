"""The gateway forwards everything that either side of a call sends."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import grpc
import pytest

from services.gateway.forwarding.servicer import forwarded
from shared.rpc.channels import Channels
from shared.rpc.server import Server
from shared.settings import Settings
from tests.failures import RpcFailure, from_rpc_error
from tests.unit.rpc.echo import KINDS, NAME, OWN_CONNECTION, Echo, EchoRequest, EchoStub, call, failure, raw, serving


@dataclass
class Relay:
    """An echo server behind a gateway."""

    peer: Echo
    gateway: Server
    port: int
    channel: grpc.aio.Channel
    stub: EchoStub


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    settings = Settings(drain_seconds=0)
    async with serving(Settings(drain_seconds=30)) as peer:
        channels = Channels(settings)
        gateway = Server(settings, [forwarded(NAME, channels.to(f"127.0.0.1:{peer.port}"), "echo", 30)])
        port = await gateway.start()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", OWN_CONNECTION) as channel:
            yield Relay(peer, gateway, port, channel, EchoStub(channel))
        await gateway.stop()
        await channels.close()


async def test_all_four_kinds_of_methods_are_forwarded(relay: Relay) -> None:
    hi = EchoRequest(text="hi")

    assert (await relay.stub.Unary(hi)).text == "hi"
    assert [answer.text async for answer in relay.stub.ServerStream(hi)] == ["hi 0", "hi 1", "hi 2"]
    assert (await relay.stub.ClientStream(iter([hi] * 3))).text == "hi hi hi"
    assert [answer.text async for answer in relay.stub.Bidi(iter([hi] * 3))] == ["hi"] * 3


async def test_both_sides_of_a_stream_can_alternate(relay: Relay) -> None:
    talk = relay.stub.Bidi()
    for text in ("one", "two", "three"):
        await talk.write(EchoRequest(text=text))
        assert (await talk.read()).text == text
    await talk.done_writing()

    assert await talk.read() is grpc.aio.EOF


@pytest.mark.parametrize("kind", KINDS)
async def test_metadata_is_forwarded_in_both_directions(relay: Relay, kind: str) -> None:
    there = (("x-tenant", "acme"), ("x-blob-bin", b"\x00\xff"), ("authorization", "Bearer token"))
    under_way = call(relay.stub, kind, EchoRequest(text="hi"), metadata=there)

    first = dict(await under_way.initial_metadata())
    if hasattr(under_way, "read"):
        assert [answer async for answer in under_way]
    last = dict(await under_way.trailing_metadata())

    assert {key: relay.peer.servicer.metadata[key] for key, _ in there} == dict(there)
    assert (first["x-first"], first["x-first-bin"]) == ("1", b"\x00\xff")
    assert (last["x-last"], last["x-last-bin"]) == ("2", b"\xfe")


async def test_a_trace_continues_behind_the_gateway(relay: Relay) -> None:
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    await relay.stub.Unary(EchoRequest(text="hi"), metadata=(("traceparent", traceparent),))

    assert relay.peer.servicer.metadata["traceparent"].split("-")[1] == traceparent.split("-")[1]


async def test_the_deadline_is_forwarded(relay: Relay) -> None:
    await relay.stub.Unary(EchoRequest(text="hi"), timeout=20)
    remaining = relay.peer.servicer.time_remaining
    assert remaining is not None
    assert 0 < remaining < 21  # gRPC rounds deadlines up

    assert [one async for one in relay.stub.ServerStream(EchoRequest(text="hi"))]
    assert relay.peer.servicer.time_remaining is None


async def test_a_unary_call_without_a_deadline_gets_that_of_peers(relay: Relay) -> None:
    await relay.stub.Unary(EchoRequest(text="hi"))

    remaining = relay.peer.servicer.time_remaining
    assert remaining is not None
    assert 0 < remaining < 31


@pytest.mark.parametrize("kind", KINDS)
async def test_an_expired_deadline_ends_the_call_at_the_peer(relay: Relay, kind: str) -> None:
    await relay.stub.Unary(EchoRequest(text="hi"))  # connect both hops before the deadline runs
    told = await failure(call(relay.stub, kind, EchoRequest(text="wait"), timeout=3))

    assert told.code == "DEADLINE_EXCEEDED"
    await relay.peer.servicer.cancelled.wait()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_cancel_by_the_caller_cancels_the_call_at_the_peer(relay: Relay, kind: str) -> None:
    under_way = call(relay.stub, kind, EchoRequest(text="wait"))
    reading = asyncio.ensure_future(under_way.read() if hasattr(under_way, "read") else under_way.code())
    await relay.peer.servicer.waiting.wait()

    under_way.cancel()

    await relay.peer.servicer.cancelled.wait()
    await asyncio.wait([reading])


async def test_a_cancel_by_the_peer_reaches_the_caller_as_cancelled(relay: Relay) -> None:
    under_way = relay.stub.Unary(EchoRequest(text="end CANCELLED"))

    assert await under_way.code() is grpc.StatusCode.CANCELLED
    assert await under_way.details() == "ended by the servicer"
    assert dict(await under_way.trailing_metadata())["x-why"] == "because"


@pytest.mark.parametrize("kind", KINDS)
async def test_the_status_and_its_details_are_forwarded(relay: Relay, kind: str) -> None:
    told = await failure(call(relay.stub, kind, EchoRequest(text="fail ALREADY_EXISTS")))

    assert (told.code, told.reason) == ("ALREADY_EXISTS", "TOLD_ALREADY_EXISTS")
    assert told.sentence == "Told to fail with ALREADY_EXISTS about echoes/1."
    assert told.details == {"name": "echoes/1"}
    assert told.violations[0].field == "text"


async def test_a_stream_that_the_peer_refuses_half_way_ends_with_the_error_of_the_peer(relay: Relay) -> None:
    chunk = EchoRequest(tags=["12345678"] * 50_000)

    def requests() -> Iterator[EchoRequest]:
        yield EchoRequest(text="fail ALREADY_EXISTS")
        yield from [chunk] * 20

    def refused() -> RpcFailure:
        # Use the blocking client: grpc.aio loses a status that arrives during a write.
        with grpc.insecure_channel(f"127.0.0.1:{relay.port}") as channel:
            upload: Any = channel.stream_unary(f"/{NAME}/ClientStream", EchoRequest.SerializeToString)
            with pytest.raises(grpc.RpcError) as raised:
                upload(requests())
        error: Any = raised.value
        return from_rpc_error(error)

    for _ in range(20):
        told = await asyncio.to_thread(refused)
        assert (told.code, told.reason) == ("ALREADY_EXISTS", "TOLD_ALREADY_EXISTS"), told


@pytest.mark.parametrize("kind", KINDS)
async def test_an_unavailable_error_of_the_peer_is_forwarded_and_the_call_is_not_repeated(
    relay: Relay, kind: str
) -> None:
    told = await failure(call(relay.stub, kind, EchoRequest(text="fail UNAVAILABLE")))

    assert told.reason == "TOLD_UNAVAILABLE"
    assert relay.peer.servicer.calls == 1, "it may have been done all the same"


async def test_the_peer_checks_the_messages(relay: Relay) -> None:
    told = await failure(relay.stub.Unary(EchoRequest(text="x" * 101)))

    assert told.violations[0].field == "text"


async def test_a_stalled_reader_stalls_the_peer(relay: Relay) -> None:
    flood = relay.stub.ServerStream(EchoRequest(text="flood"))
    await flood.read()

    async def settled() -> int:
        """The number of messages that the peer made, once it stops making more."""
        servicer, seen = relay.peer.servicer, -1
        while seen != servicer.yielded:
            seen = servicer.yielded
            for _ in range(50):  # other calls make round trips here, so the flood has time to continue
                await relay.stub.Unary(EchoRequest(text="hi"))
        return seen

    assert await settled() * 10_000 < 30_000_000
    flood.cancel()
    await relay.peer.servicer.cancelled.wait()


async def test_a_watch_is_forwarded_until_its_peer_drains(relay: Relay) -> None:
    watch = relay.stub.Watch(EchoRequest())
    assert (await watch.read()).text == "a,b"
    await relay.peer.servicer.waiting.wait()

    await relay.peer.server.stop()

    assert (await watch.read()).text == "heartbeat after b"
    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await watch.read()
    assert from_rpc_error(ended.value).reason == "SERVER_DRAINING"


@pytest.mark.parametrize("kind", KINDS)
async def test_the_error_names_the_peer_that_cannot_be_reached(relay: Relay, kind: str) -> None:
    await relay.peer.server.stop()

    told = await failure(call(relay.stub, kind, EchoRequest(text="hi")))

    assert (told.code, told.reason) == ("UNAVAILABLE", "PEER_UNAVAILABLE")
    assert told.details == {"peer": "echo"}
    assert "127.0.0.1" not in told.sentence


async def test_an_unknown_method_of_a_forwarded_service_is_unimplemented(relay: Relay) -> None:
    told = await failure(raw(relay.channel, f"/{NAME}/Nothing")(b""))

    assert told.code == "UNIMPLEMENTED"
