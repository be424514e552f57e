"""Authentication and permissions, over a real connection."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator
from typing import Any

import grpc
import jwt
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from pydantic import SecretStr

from greenroom.agent.v1 import agent_pb2
from shared.auth import Authenticator, PersonRefused, caller
from shared.permissions import PERMISSIONS
from shared.roster import SERVICES
from shared.rpc.access import Access, MethodWithoutPermission, declared_permissions
from shared.rpc.server import Registration, Server
from shared.settings import Settings
from tests.failures import from_rpc_error
from tests.unit.rpc.echo import KINDS, UNMARKED, Echo, EchoRequest, call, failure, serving

AGENT_SERVICE = agent_pb2.DESCRIPTOR.services_by_name["AgentService"].full_name
SECRET = "a secret of thirty-two bytes or more"

NO_TIMES: list[Any] = [float("inf"), float("nan"), 10**400, "soon", [], {}]
NO_NAMES: list[Any] = [
    "",
    "\ud800",
    "ac\udfffme",
    "a\0b",
    "\0",
    "a\nb",
    "\x7f",
    "\u202e",
    "x" * 257,
    7,
    1.5,
    True,
    ["acme"],
    {"a": 1},
]


def token(secret: str = SECRET, **claims: Any) -> str:
    whole = {"company": "acme", "sub": "jo", "permissions": ["echo.read"], "exp": time.time() + 3600} | claims
    return jwt.encode({key: value for key, value in whole.items() if value is not None}, secret, algorithm="HS256")


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).decode().rstrip("=")


def bearing(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    async with serving(Settings(jwt_secret=SecretStr(SECRET), drain_seconds=0)) as echo:
        yield echo


@pytest.fixture
async def open_echo() -> AsyncIterator[Echo]:
    async with serving() as echo:
        yield echo


async def test_without_authentication_settings_every_caller_is_the_developer(open_echo: Echo) -> None:
    assert (await open_echo.stub.Unary(EchoRequest(text="whoami"))).text == "developer@development"


def acting_as(name: str) -> tuple[tuple[str, str], ...]:
    return (("greenroom-as", name),)


async def test_without_authentication_a_caller_on_this_machine_may_say_who_it_is(open_echo: Echo) -> None:
    answer = await open_echo.stub.Unary(EchoRequest(text="whoami"), metadata=acting_as("anna@example.test"))
    assert answer.text == "anna@example.test@development"


@pytest.mark.parametrize("name", ["", "-anna", "anna bell", "x" * 65, "anna;"])
async def test_a_malformed_name_is_refused(open_echo: Echo, name: str) -> None:
    told = await failure(open_echo.stub.Unary(EchoRequest(text="whoami"), metadata=acting_as(name)))
    assert (told.code, told.reason) == ("INVALID_ARGUMENT", "PERSON_INVALID")


async def test_a_server_that_authenticates_takes_no_name_beside_the_token(echo: Echo) -> None:
    sent = (*bearing(token()), *acting_as("anna"))
    told = await failure(echo.stub.Unary(EchoRequest(text="whoami"), metadata=sent))
    assert (told.code, told.reason) == ("PERMISSION_DENIED", "PERSON_REFUSED")


@pytest.mark.parametrize(
    ("peer", "admitted"),
    [
        ("ipv4:127.0.0.1:50000", True),
        ("ipv6:%5B::1%5D:50000", True),
        ("unix:", True),
        ("ipv4:203.0.113.7:50000", False),
        ("ipv6:%5B2001:db8::7%5D:50000", False),
        ("ipv6:%5Bfe80::1%25eth0%5D:50000", False),
        ("", False),
    ],
)
async def test_only_peers_on_this_machine_may_say_who_they_are(peer: str, admitted: bool) -> None:
    class From:
        def peer(self) -> str:
            return peer

        def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
            return acting_as("anna")

    async def call() -> str:
        access = Access(Authenticator(Settings()), {"/x.Y/Z": "echo.read"})
        async with access.guard("/x.Y/Z", From()):  # type: ignore[arg-type]
            return caller().subject

    if admitted:
        assert await asyncio.create_task(call()) == "anna"
    else:
        with pytest.raises(PersonRefused):
            await asyncio.create_task(call())


async def test_a_token_names_its_company(echo: Echo) -> None:
    for company in ("acme", "globex"):
        answer = await echo.stub.Unary(EchoRequest(text="whoami"), metadata=bearing(token(company=company)))
        assert answer.text == f"jo@{company}"


@pytest.mark.parametrize("kind", KINDS)
async def test_a_call_without_a_token_is_refused(echo: Echo, kind: str) -> None:
    told = await failure(call(echo.stub, kind, EchoRequest(text="hello")))

    assert (told.code, told.reason) == ("UNAUTHENTICATED", "TOKEN_MISSING")


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("nonsense", "TOKEN_INVALID"),
        (token(secret="another secret of thirty-two bytes"), "TOKEN_INVALID"),
        (token(exp=time.time() - 60), "TOKEN_EXPIRED"),
        (token(exp=None), "TOKEN_INVALID"),
        (token(company=None), "TOKEN_INVALID"),
        (token(company=""), "TOKEN_INVALID"),
        (token(company=["acme"]), "TOKEN_INVALID"),
        (token(permissions="*"), "TOKEN_INVALID"),
        (token(staff="yes"), "TOKEN_INVALID"),
        *((token(company=bad), "TOKEN_INVALID") for bad in NO_NAMES),
        *((token(sub=bad), "TOKEN_INVALID") for bad in NO_NAMES),
        *((token(permissions=["echo.read", bad]), "TOKEN_INVALID") for bad in NO_NAMES),
        *((token(exp=bad), "TOKEN_INVALID") for bad in NO_TIMES),
        *((token(nbf=bad), "TOKEN_INVALID") for bad in NO_TIMES),
        *((token(iat=bad), "TOKEN_INVALID") for bad in NO_TIMES),
        (token(company={"a": "acme"}), "TOKEN_INVALID"),
        (f"{encoded(b'[' * 5000)}.e30.AAAA", "TOKEN_INVALID"),
        (f"{encoded(b'9' * 5000)}.e30.AAAA", "TOKEN_INVALID"),
        (jwt.encode({"company": "acme", "sub": "jo", "exp": 9e9}, "", algorithm="none"), "TOKEN_INVALID"),
    ],
)
async def test_a_bad_token_is_refused(echo: Echo, bad: str, reason: str) -> None:
    told = await failure(echo.stub.Unary(EchoRequest(text="whoami"), metadata=bearing(bad)))

    assert (told.code, told.reason) == ("UNAUTHENTICATED", reason)


async def test_a_watch_whose_token_expires_ends_with_its_cursor(echo: Echo) -> None:
    expires = int(time.time()) + 2
    watch = echo.stub.Watch(EchoRequest(), metadata=bearing(token(exp=expires)))
    responses = aiter(watch)

    assert (await anext(responses)).text == "a,b"
    assert (await anext(responses)).text == "heartbeat after b"
    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await anext(responses)
    told = from_rpc_error(ended.value)
    assert (told.code, told.reason) == ("UNAUTHENTICATED", "TOKEN_EXPIRED")
    assert expires <= time.time() < expires + 10
    await echo.servicer.cancelled.wait()


async def test_a_caller_needs_the_permission_that_the_method_declares(echo: Echo) -> None:
    told = await failure(echo.stub.ClientStream(iter([EchoRequest(text="x")]), metadata=bearing(token())))

    assert (told.code, told.reason) == ("PERMISSION_DENIED", "PERMISSION_MISSING")
    assert told.details == {"permission": "echo.write"}


@pytest.mark.parametrize("held", ["echo.write", "echo.*", "*"])
async def test_a_wildcard_permits_what_it_covers(echo: Echo, held: str) -> None:
    metadata = bearing(token(permissions=[held]))

    assert (await echo.stub.ClientStream(iter([EchoRequest(text="x")]), metadata=metadata)).text == "x"


async def test_health_and_reflection_need_no_token(echo: Echo) -> None:
    answer = await health_pb2_grpc.HealthStub(echo.channel).Check(health_pb2.HealthCheckRequest())

    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_the_methods_declare_exactly_the_permissions_of_the_list() -> None:
    services = [AGENT_SERVICE, *(service for one in SERVICES for service in one.rpc_services)]

    assert set(declared_permissions(services).values()) == PERMISSIONS


async def test_a_server_refuses_to_start_with_a_method_that_declares_no_permission() -> None:
    server = Server(Settings(), [Registration(UNMARKED, lambda *_: None, None)])

    with pytest.raises(MethodWithoutPermission, match=f"{UNMARKED}.Do"):
        await server.start()
