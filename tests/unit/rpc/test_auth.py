"""Tokens and permissions."""

import asyncio
import base64
import hmac
import json
import time
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from shared.auth import (
    DEVELOPMENT,
    AmbiguousKeys,
    Authenticator,
    Caller,
    PermissionMissing,
    TokenExpired,
    TokenInvalid,
    TokenMissing,
    WeakSecret,
    caller,
    set_caller,
)
from shared.settings import Settings

SECRET = "a secret of thirty-two bytes or more"
KEY = SecretStr(SECRET)
_TIMES = ["exp", "nbf", "iat"]


def claims(**others: object) -> dict[str, object]:
    return {"company": "acme", "sub": "jo", "permissions": ["batches.read"], "exp": time.time() + 3600} | others


def key_file(folder: Path, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> Path:
    path = folder / "public.pem"
    path.write_bytes(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return path


@pytest.mark.parametrize(
    ("held", "asked", "allowed"),
    [
        ("batches.write", "batches.write", True),
        ("batches.write", "batches.read", False),
        ("batches.*", "batches.read", True),
        ("batches.*", "batches.results.read", True),
        ("batches.*", "batchesx.read", False),
        ("batches", "batches.read", False),
        ("*", "anything.at.all", True),
        ("*.read", "batches.read", False),
        ("", "batches.read", False),
    ],
)
def test_a_wildcard_covers_the_permissions_below_it(held: str, asked: str, allowed: bool) -> None:
    who = Caller(company="acme", permissions=frozenset({held}))

    assert who.allows(asked) is allowed


def test_a_missing_permission_is_named() -> None:
    with pytest.raises(PermissionMissing, match=r"lacks the permission batches\.write\."):
        Caller(company="acme", permissions=frozenset()).require("batches.write")


def test_without_keys_every_caller_is_the_developer_with_any_token() -> None:
    assert Authenticator(Settings()).authenticate("Bearer anything") == DEVELOPMENT


def test_a_token_identifies_the_caller() -> None:
    token = jwt.encode(claims(staff=True), SECRET, algorithm="HS256")

    who = Authenticator(Settings(jwt_secret=KEY)).authenticate(f"bearer {token}")

    assert who == Caller(company="acme", permissions=frozenset({"batches.read"}), staff=True, subject="jo")


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic am86am8="])
def test_a_header_without_a_bearer_token_is_refused_as_missing(header: str | None) -> None:
    with pytest.raises(TokenMissing):
        Authenticator(Settings(jwt_secret=KEY)).authenticate(header)


def test_only_a_token_signed_by_the_private_key_is_accepted(tmp_path: Path) -> None:
    key, other = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    public = key_file(tmp_path, key)
    authenticator = Authenticator(Settings(jwt_public_key=public))

    assert authenticator.authenticate(f"Bearer {jwt.encode(claims(), key, algorithm='ES256')}").company == "acme"
    for bad in (jwt.encode(claims(), other, algorithm="ES256"), jwt.encode(claims(), SECRET, algorithm="HS256")):
        with pytest.raises(TokenInvalid):
            authenticator.authenticate(f"Bearer {bad}")


def test_an_rsa_key_works_as_well(tmp_path: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    authenticator = Authenticator(Settings(jwt_public_key=key_file(tmp_path, key)))

    assert authenticator.authenticate(f"Bearer {jwt.encode(claims(), key, algorithm='RS256')}").subject == "jo"


@pytest.mark.parametrize(("field", "claim"), [("jwt_audience", "aud"), ("jwt_issuer", "iss")])
def test_audience_and_issuer_are_checked_if_set(field: str, claim: str) -> None:
    authenticator = Authenticator(Settings(jwt_secret=KEY).model_copy(update={field: "greenroom"}))

    def bearing(**others: object) -> str:
        return f"Bearer {jwt.encode(claims(**others), SECRET, algorithm='HS256')}"

    assert authenticator.authenticate(bearing(**{claim: "greenroom"})).company == "acme"
    for bad in (bearing(), bearing(**{claim: "elsewhere"})):
        with pytest.raises(TokenInvalid):
            authenticator.authenticate(bad)


def test_the_audience_is_not_checked_if_unset() -> None:
    token = jwt.encode(claims(aud="someone"), SECRET, algorithm="HS256")

    assert Authenticator(Settings(jwt_secret=KEY)).authenticate(f"Bearer {token}").company == "acme"


def test_unusable_keys_are_refused_at_start(tmp_path: Path) -> None:
    with pytest.raises(WeakSecret):
        Authenticator(Settings(jwt_secret=SecretStr("short")))
    public = key_file(tmp_path, ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(AmbiguousKeys):
        Authenticator(Settings(jwt_secret=KEY, jwt_public_key=public))


async def test_there_is_a_caller_only_during_a_call() -> None:
    async def answer() -> Caller:
        set_caller(DEVELOPMENT)
        return caller()

    assert await asyncio.create_task(answer()) == DEVELOPMENT
    with pytest.raises(LookupError):
        caller()


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(["company", "sub", "permissions", "staff", *_TIMES], ANYTHING)))
def test_whatever_a_signed_token_says_it_is_refused_or_names_a_caller_that_can_be_stored(
    others: dict[str, object],
) -> None:
    token = jwt.encode(claims(), SECRET, algorithm="HS256")
    head, _, _ = token.split(".")
    body = base64.urlsafe_b64encode(json.dumps(claims(**others)).encode()).decode().rstrip("=")
    signature = hmac.digest(SECRET.encode(), f"{head}.{body}".encode(), "sha256")
    signed = f"{head}.{body}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"

    try:
        who = Authenticator(Settings(jwt_secret=KEY)).authenticate(f"Bearer {signed}")
    except (TokenInvalid, TokenExpired):
        return
    for text in (who.company, who.subject, *who.permissions):
        assert text.encode().decode() == text
        assert text.isprintable()
