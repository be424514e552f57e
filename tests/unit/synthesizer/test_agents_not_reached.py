"""A failure says why an agent cannot be called, and what would be right."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from greenroom.agent.v1 import agent_pb2, agent_pb2_grpc
from services.synthesizer.adapters.agents.grpc import GrpcAgent
from services.synthesizer.adapters.agents.kind import Access
from services.synthesizer.conversations.targets import Say, TargetFailed, TargetUnavailable, View
from shared.hosts import AllowedHosts
from tests.unit.rpc.certificates import write_certificate

VIEW = View("conversations/1", 1, (), (), "", 0, b"")


async def failure(address: str, tls: bool = False) -> str:
    """What follows `The agent ADDRESS does not answer: ` or `failed: `."""
    agent = GrpcAgent({"address": address, "tls": tls}, Access(AllowedHosts(loopback=True), 20))
    try:
        with pytest.raises((TargetUnavailable, TargetFailed)) as raised:
            await agent.act(VIEW)
    finally:
        await agent.close()
    return str(raised.value).partition(f"The agent {address} ")[2]


@asynccontextmanager
async def grpc_server(
    agent: agent_pb2_grpc.AgentServiceServicer | None = None, certificate: tuple[Path, Path] | None = None
) -> AsyncIterator[str]:
    server = grpc.aio.server()
    if agent is not None:
        agent_pb2_grpc.add_AgentServiceServicer_to_server(agent, server)
    if certificate is None:
        port = server.add_insecure_port("127.0.0.1:0")
    else:
        pair = (certificate[1].read_bytes(), certificate[0].read_bytes())
        port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
    await server.start()
    yield f"127.0.0.1:{port}"
    await server.stop(None)


@asynccontextmanager
async def http_1_server(answer: bytes) -> AsyncIterator[str]:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_a_closed_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    said = await failure(f"127.0.0.1:{port}")
    assert said == "does not answer: nothing listens there; start it, or correct the address."


async def test_a_name_that_is_not_found() -> None:
    said = await failure("no-such-agent.invalid:9100")
    assert said.startswith("does not answer: its host name is not found; correct the address")


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", b"<!DOCTYPE html><html>Bad Request</html>"]
)
async def test_a_port_that_speaks_http_1(answer: bytes) -> None:
    async with http_1_server(answer) as address:
        said = await failure(address)
    assert said.startswith("does not answer: a server that speaks no gRPC, such as one for HTTP/1, listens there; use")


async def test_tls_to_a_port_without_tls() -> None:
    async with grpc_server() as address:
        said = await failure(address, tls=True)
    assert said == "does not answer: it speaks no TLS there; leave `tls` out, or use its port for TLS."


async def test_no_tls_to_a_port_with_tls(tmp_path: Path) -> None:
    async with grpc_server(certificate=write_certificate(tmp_path)) as address:
        said = await failure(address)
    assert said == "does not answer: it closed the connection at once; if it speaks TLS there, set `tls: true`."


async def test_a_certificate_that_nobody_trusts(tmp_path: Path) -> None:
    async with grpc_server(certificate=write_certificate(tmp_path)) as address:
        said = await failure(address, tls=True)
    assert said.startswith("does not answer: its certificate is not trusted; it must be valid, name this host, ")


async def test_a_server_without_the_agent_service() -> None:
    async with grpc_server() as address:
        said = await failure(address)
    assert said == (
        "failed: the server there has no greenroom.agent.v1.AgentService; register it, or correct the address."
    )


class Refusing(agent_pb2_grpc.AgentServiceServicer):
    def __init__(self, code: grpc.StatusCode, text: str) -> None:
        self.refusal = code, text

    async def Act(self, request: agent_pb2.ActRequest, context: Any) -> agent_pb2.ActResponse:  # noqa: ARG002, N802
        await context.abort(*self.refusal)
        raise AssertionError


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (grpc.StatusCode.UNAVAILABLE, "failed to connect to all addresses; last error: Connection refused"),
        (grpc.StatusCode.UNIMPLEMENTED, "Refunds are not written yet"),
    ],
)
async def test_an_agents_own_words_about_its_own_connections_are_quoted(code: grpc.StatusCode, text: str) -> None:
    async with grpc_server(Refusing(code, text)) as address:
        said = await failure(address)
    assert said.endswith(f': its Act answered {code.name}, "{text}".')


class Polite(agent_pb2_grpc.AgentServiceServicer):
    async def Act(self, request: agent_pb2.ActRequest, context: Any) -> agent_pb2.ActResponse:  # noqa: ARG002, N802
        return agent_pb2.ActResponse(say=agent_pb2.Say(text="Hi."))


@pytest.mark.parametrize("tls", [False, True])
async def test_an_allowed_name_is_dialled_only_at_addresses_that_may_be_called(
    tls: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name leads elsewhere each time it is looked up, and the certificate is that of localhost."""
    certificate = write_certificate(tmp_path)
    roots = grpc.ssl_channel_credentials(certificate[0].read_bytes())
    monkeypatch.setattr(grpc, "ssl_channel_credentials", lambda: roots)
    leads_to = iter(["127.0.0.1", "169.254.169.254", "10.0.0.1"])

    async def rebound(*_: Any, **__: Any) -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(leads_to), 0))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", rebound)
    async with grpc_server(Polite(), certificate if tls else None) as address:
        config = {"address": address.replace("127.0.0.1", "localhost"), "tls": tls}
        hosts = AllowedHosts(("localhost", "127.0.0.1"))
        first, second = GrpcAgent(config, Access(hosts, 20)), GrpcAgent(config, Access(hosts, 20))

        assert [(await first.act(VIEW)).does for _ in range(2)] == [Say("Hi.")] * 2
        with pytest.raises(TargetFailed, match="leads to an address that may not be called"):
            await second.act(VIEW)

        await first.close()
        await second.close()


async def test_a_name_is_looked_up_again_after_its_connection_was_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    leads_to = iter(["127.0.0.2", "127.0.0.1"])

    async def moved(*_: Any, **__: Any) -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(leads_to), 0))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", moved)
    async with grpc_server(Polite()) as address:
        agent = GrpcAgent({"address": address}, Access(AllowedHosts(loopback=True), 20))
        with pytest.raises(TargetUnavailable, match="nothing listens there"):
            await agent.act(VIEW)

        assert (await agent.act(VIEW)).does == Say("Hi.")
        await agent.close()
