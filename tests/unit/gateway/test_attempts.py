"""Calls that are repeated while a peer is away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import pytest

from services.gateway.adapters.attempts import Attempts, PeerNeverThere
from services.gateway.generations.deadline import Deadline
from shared.auth import DEVELOPMENT
from shared.errors import GreenroomError
from shared.rpc.peers import Peers, PeerTimeout
from shared.rpc.server import Server
from shared.settings import Settings
from tests.unit.rpc.echo import EchoRequest, EchoServicer, EchoStub, registration


@asynccontextmanager
async def echo(servicer: EchoServicer, port: int = 0) -> AsyncIterator[int]:
    """A server of the service; yields its port."""
    server = Server(Settings(port=port, drain_seconds=0), [registration(servicer)])
    yield await server.start()
    await server.stop()


@asynccontextmanager
async def attempts(port: int) -> AsyncIterator[Attempts]:
    peers = Peers(Settings(), {"testdata": f"127.0.0.1:{port}"})
    yield Attempts(peers)
    await peers.close()


async def say(calls: Attempts, text: str, seconds: float = 30) -> str:
    """What the echo answers."""
    request, deadline = EchoRequest(text=text), Deadline.within(seconds)
    answer = await calls.unary("testdata", DEVELOPMENT, lambda channel: EchoStub(channel).Unary, request, deadline)
    return str(answer.text)


async def test_a_peer_that_was_never_there_fails_the_call_at_once_and_says_why(unused_tcp_port: int) -> None:
    async with attempts(unused_tcp_port) as calls:
        deadline = Deadline.within(30)
        with pytest.raises(PeerNeverThere) as raised:
            await say(calls, "hello")

        assert deadline.left > 15
    assert (raised.value.code, raised.value.reason) == ("UNAVAILABLE", "PEER_NEVER_THERE")
    assert "testdata" in str(raised.value)
    assert "nothing listens at its address" in str(raised.value)
    assert "GREENROOM_TESTDATA_ADDRESS" in str(raised.value)


async def test_a_call_is_repeated_until_a_peer_that_was_there_is_back(unused_tcp_port: int) -> None:
    servicer = EchoServicer()
    async with attempts(unused_tcp_port) as calls:
        async with echo(servicer, unused_tcp_port):
            assert await say(calls, "one") == "one"
        answer = asyncio.create_task(say(calls, "two", 60))
        await asyncio.wait({answer}, timeout=0.5)
        assert not answer.done()
        async with echo(servicer, unused_tcp_port):
            assert await answer == "two"


async def test_a_call_carries_its_deadline_and_ends_with_it(unused_tcp_port: int) -> None:
    servicer = EchoServicer()
    async with echo(servicer, unused_tcp_port), attempts(unused_tcp_port) as calls:
        await say(calls, "one", 20)
        assert servicer.time_remaining is not None
        assert servicer.time_remaining <= 20
        with pytest.raises(PeerTimeout) as raised:
            await say(calls, "wait", 0.5)
        assert raised.value.details == {"peer": "testdata", "seconds": "0.5"}
        with pytest.raises(GreenroomError) as refused:
            await say(calls, "fail INVALID_ARGUMENT")
        assert refused.value.reason == "TOLD_INVALID_ARGUMENT"


async def test_a_stream_continues_after_its_last_message_when_its_peer_is_back(unused_tcp_port: int) -> None:
    def after(message: object) -> object:
        return EchoRequest(text="flood" if message is None else "rest")

    async with attempts(unused_tcp_port) as calls:
        stream = calls.stream(
            "testdata", DEVELOPMENT, lambda channel: EchoStub(channel).ServerStream, after, Deadline.within(60)
        )
        async with echo(EchoServicer(), unused_tcp_port):
            assert (await anext(stream)).text.startswith("x")
        async with echo(EchoServicer(), unused_tcp_port):
            rest = [one.text async for one in stream]
        # Messages that were on their way when the first server ended may come before.
        assert rest[-3:] == ["rest 0", "rest 1", "rest 2"]
    assert grpc.aio.EOF not in rest
