"""Who may call what, over a real connection."""

import time
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from pydantic import SecretStr

from shared.rpc.access import MethodWithoutPermission
from shared.rpc.server import Registration, Server
from shared.settings import Settings
from tests.unit.rpc.echo import KINDS, UNMARKED, Echo, EchoRequest, call, failure, serving

SECRET = "a secret of thirty-two bytes or more"


def token(secret: str = SECRET, **claims: Any) -> str:
    whole = {"company": "acme", "sub": "jo", "permissions": ["echo.read"], "exp": time.time() + 3600} | claims
    return jwt.encode({key: value for key, value in whole.items() if value is not None}, secret, algorithm="HS256")


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


async def test_without_authentication_settings_everyone_is_the_developer(open_echo: Echo) -> None:
    assert (await open_echo.stub.Unary(EchoRequest(text="whoami"))).text == "developer@development"


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
        (jwt.encode({"company": "acme", "sub": "jo", "exp": 9e9}, "", algorithm="none"), "TOKEN_INVALID"),
    ],
)
async def test_a_bad_token_is_refused(echo: Echo, bad: str, reason: str) -> None:
    told = await failure(echo.stub.Unary(EchoRequest(text="whoami"), metadata=bearing(bad)))

    assert (told.code, told.reason) == ("UNAUTHENTICATED", reason)


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


async def test_a_server_refuses_to_start_with_a_method_that_declares_no_permission() -> None:
    server = Server(Settings(), [Registration(UNMARKED, lambda *_: None, None)])

    with pytest.raises(MethodWithoutPermission, match=f"{UNMARKED}.Do"):
        await server.start()
