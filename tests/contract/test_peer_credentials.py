"""Services act for their callers by peer credentials, which only services accept, over real connections."""

import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import jwt
import pytest
from pydantic import SecretStr

from services.gateway.forwarding.servicer import forwarded
from services.gateway.settings import GatewaySettings
from shared.auth import DEVELOPMENT, Caller, person
from shared.errors import GreenroomError, NotFound
from shared.peers import PEER_KEY, HouseKey, HouseKeyMissing, pack_starter, unpack_starter
from shared.rpc.channels import Channels
from shared.rpc.peers import Peers, PeerUnavailable
from shared.rpc.server import Server, check_keys
from shared.settings import BadSetting, Settings
from tests.unit.rpc.echo import NAME, Echo, EchoRequest, EchoStub, failure, serving

HOUSE = "a key of the house that is long enough"
SECRET = "a secret of thirty-two bytes or more"
JO = Caller("acme", frozenset({"echo.read"}), subject="jo")


def at_home(**more: Any) -> Settings:
    """The settings of a service that callers need a token for."""
    return Settings(**{"house_key": SecretStr(HOUSE), "jwt_secret": SecretStr(SECRET), "drain_seconds": 0, **more})


@asynccontextmanager
async def peers(settings: Settings, echo: Echo) -> AsyncIterator[Peers]:
    """The peers of a service with these settings: one, called `echo`."""
    made = Peers(settings, {"echo": f"127.0.0.1:{echo.port}"})
    yield made
    await made.close()


async def whoami(made: Peers, who: Caller) -> str:
    """Whom the peer takes a call for this starter to come from."""
    peer = made.of("echo", who)
    answer = await peer.unary(EchoStub(peer.channel).Unary, EchoRequest(text="whoami"))
    return str(answer.text)


def credential(key: str = HOUSE, **claims: Any) -> tuple[tuple[str, str], ...]:
    """Metadata with a credential."""
    whole = {"company": "acme", "sub": "jo", "permissions": ["*"], "aud": PEER_KEY, "exp": int(time.time()) + 30}
    return ((PEER_KEY, jwt.encode(whole | claims, key, algorithm="HS256")),)


@pytest.mark.parametrize("settings", [at_home(), at_home(jwt_secret=None)], ids=["authenticating", "open"])
async def test_a_peer_acts_as_the_starter_with_the_starters_permissions(settings: Settings) -> None:
    async with serving(settings) as echo, peers(settings, echo) as made:
        assert await whoami(made, JO) == "jo@acme"

        peer = made.of("echo", JO)
        with pytest.raises(GreenroomError) as refused:
            await peer.unary(EchoStub(peer.channel).ClientStream, iter([EchoRequest(text="x")]))
        assert (refused.value.reason, str(refused.value)) == (
            "PERMISSION_MISSING",
            "The caller lacks the permission echo.write.",
        )


async def test_without_authentication_and_without_a_key_a_peer_says_who_the_starter_is() -> None:
    settings = Settings(drain_seconds=0)
    async with serving(settings) as echo, peers(settings, echo) as made:
        assert await whoami(made, DEVELOPMENT) == "developer@development"
        assert await whoami(made, person("anna")) == "anna@development"


def test_a_service_that_authenticates_needs_a_key_of_the_house_to_act_for_callers() -> None:
    with pytest.raises(HouseKeyMissing, match="GREENROOM_HOUSE_KEY"):
        Peers(at_home(house_key=None), {}).check()


@pytest.mark.parametrize(
    ("send", "reason"),
    [
        (lambda: credential(exp=int(time.time()) - 5), "PEER_CREDENTIAL_EXPIRED"),
        (lambda: credential(exp=int(time.time()) + 3600), "PEER_CREDENTIAL_INVALID"),
        (lambda: credential(key="another key that is just as long as ours"), "PEER_CREDENTIAL_INVALID"),
        (lambda: credential(aud="somewhere"), "PEER_CREDENTIAL_INVALID"),
        (lambda: credential(company=""), "PEER_CREDENTIAL_INVALID"),
        (lambda: ((PEER_KEY, "nonsense"),), "PEER_CREDENTIAL_INVALID"),
        (lambda: (("authorization", f"Bearer {credential()[0][1]}"),), "TOKEN_INVALID"),
    ],
    ids=["expired", "too long", "of another key", "for others", "of nobody", "nonsense", "as a bearer token"],
)
async def test_a_credential_that_is_not_right_is_refused(
    send: Callable[[], tuple[tuple[str, str], ...]], reason: str
) -> None:
    async with serving(at_home()) as echo:
        # Made now, because one that is made before the other tests has expired.
        told = await failure(echo.stub.Unary(EchoRequest(text="whoami"), metadata=send()))

    assert (told.code, told.reason) == ("UNAUTHENTICATED", reason)


@asynccontextmanager
async def behind_a_gateway(echo: Echo, **more: Any) -> AsyncIterator[EchoStub]:
    """A gateway with the key of the house, which forwards to the service."""
    settings = GatewaySettings(house_key=SecretStr(HOUSE), port=0, drain_seconds=0, **more)
    channels = Channels(settings)
    server = Server(settings, [forwarded(NAME, channels.to(f"127.0.0.1:{echo.port}"), "echo", 30)])
    async with grpc.aio.insecure_channel(f"127.0.0.1:{await server.start()}") as channel:
        yield EchoStub(channel)
    await server.stop()
    await channels.close()


@pytest.mark.parametrize("authentication", [{"jwt_secret": SecretStr(SECRET)}, {}], ids=["authenticating", "open"])
async def test_the_gateway_refuses_a_credential_from_outside_and_forwards_none(authentication: dict[str, Any]) -> None:
    async with serving(at_home()) as echo, behind_a_gateway(echo, **authentication) as stub:
        told = await failure(stub.Unary(EchoRequest(text="whoami"), metadata=credential()))

        assert (told.code, told.reason) == ("PERMISSION_DENIED", "PEER_CREDENTIAL_REFUSED")
        assert "leave it out" in told.sentence
        assert echo.servicer.calls == 0


async def test_a_service_without_a_key_refuses_credentials() -> None:
    async with serving() as echo:
        told = await failure(echo.stub.Unary(EchoRequest(text="whoami"), metadata=credential()))

    assert told.reason == "PEER_CREDENTIAL_REFUSED"


async def test_no_credential_is_logged(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    caplog.set_level(logging.DEBUG)
    good, bad = credential(), credential(key="another key that is just as long as ours")
    async with serving(at_home()) as echo:
        await echo.stub.Unary(EchoRequest(text="whoami"), metadata=good)
        for sent in (good, bad):
            await failure(echo.stub.Unary(EchoRequest(text="crash now"), metadata=sent))

    said = "".join((*capfd.readouterr(), caplog.text))
    assert good[0][1] not in said
    assert bad[0][1] not in said


async def test_what_a_peer_says_is_said_again_and_silence_can_be_repeated() -> None:
    settings = at_home()
    async with serving(settings) as echo, peers(settings, echo) as made:
        peer = made.of("echo", JO)
        with pytest.raises(NotFound, match="Told to fail with NOT_FOUND about echoes/1") as told:
            await peer.unary(EchoStub(peer.channel).Unary, EchoRequest(text="fail NOT_FOUND"))
        assert told.value.reason == "TOLD_NOT_FOUND"
        assert told.value.violations[0].field == "text"

        for text in ("fail UNAVAILABLE", "end RESOURCE_EXHAUSTED"):
            with pytest.raises(PeerUnavailable, match="The service echo cannot be reached"):
                await peer.unary(EchoStub(peer.channel).Unary, EchoRequest(text=text))
        await echo.server.stop()
        with pytest.raises(PeerUnavailable):
            await peer.unary(EchoStub(peer.channel).Unary, EchoRequest(text="whoami"))


async def test_a_stream_of_a_peer_ends_after_its_seconds() -> None:
    settings = at_home()
    async with serving(settings) as echo, peers(settings, echo) as made:
        peer = made.of("echo", JO)
        stub = EchoStub(peer.channel)
        read = [one.text async for one in peer.stream(stub.ServerStream, EchoRequest(text="line"), seconds=60)]
        assert read == ["line 0", "line 1", "line 2"]

        assert [one async for one in peer.stream(stub.ServerStream, EchoRequest(text="wait"), seconds=0.2)] == []
        await echo.servicer.cancelled.wait()


@pytest.mark.parametrize("key", ["short", SECRET])
def test_an_unsafe_key_of_the_house_is_refused_at_start(key: str) -> None:
    with pytest.raises(BadSetting, match="GREENROOM_HOUSE_KEY"):
        check_keys(at_home(house_key=SecretStr(key)))


def test_the_identity_of_a_starter_is_stored_without_a_token() -> None:
    stored = pack_starter(JO)

    assert unpack_starter(stored) == JO
    assert b"exp" not in stored
    found = HouseKey(HOUSE).caller(HouseKey(HOUSE).credential(unpack_starter(stored)))
    assert (found, found.expires) == (JO, float("inf"))
