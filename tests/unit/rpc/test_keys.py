"""Key and certificate files are checked at start; errors name their setting."""

import datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from pydantic import SecretStr

from shared.rpc.server import check_address
from shared.settings import BadSetting, Settings
from tests.unit.rpc.certificates import write_certificate

PEM = serialization.Encoding.PEM
PLAIN = serialization.NoEncryption()


def public(key: Any) -> bytes:
    pem: bytes = key.public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return pem


def private(key: Any, encryption: serialization.KeySerializationEncryption = PLAIN) -> bytes:
    pem: bytes = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, encryption)
    return pem


CURVE = ec.generate_private_key(ec.SECP256R1())
JUNK = [
    b"",
    b"\n",
    b"junk",
    b"\0" * 99,
    b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
    bytes(range(256)),
]


@pytest.mark.parametrize(
    "pem",
    [
        *JUNK,
        private(CURVE),
        private(rsa.generate_private_key(65537, 2048)),
        private(CURVE, serialization.BestAvailableEncryption(b"pass")),
        public(rsa.generate_private_key(65537, 1024)),
        public(ec.generate_private_key(ec.SECP384R1())),
        public(ed25519.Ed25519PrivateKey.generate()),
        public(dsa.generate_private_key(2048)),
    ],
    ids=range(len(JUNK) + 7),
)
def test_a_file_that_holds_no_public_key_for_tokens_is_refused_by_its_setting(tmp_path: Path, pem: bytes) -> None:
    path = tmp_path / "public.pem"
    path.write_bytes(pem)

    with pytest.raises(BadSetting, match=r"^GREENROOM_JWT_PUBLIC_KEY is not valid: [^\n]*\.$"):
        check_address(Settings(jwt_public_key=path))


def test_a_certificate_is_no_public_key(tmp_path: Path) -> None:
    cert, _ = write_certificate(tmp_path)

    with pytest.raises(BadSetting, match="GREENROOM_JWT_PUBLIC_KEY is not valid: the file holds a certificate"):
        check_address(Settings(jwt_public_key=cert))


@pytest.mark.parametrize("pem", [private(CURVE), public(CURVE), b'{"kty": "oct", "k": "AAAAAAAAAAAAAAAAAAAAAAAA"}'])
def test_the_text_of_a_key_is_no_secret(pem: bytes) -> None:
    with pytest.raises(BadSetting, match="GREENROOM_JWT_SECRET is not valid"):
        check_address(Settings(jwt_secret=SecretStr(pem.decode())))


@pytest.mark.parametrize("setting", ["tls_cert", "tls_key", "tls_ca"])
@pytest.mark.parametrize("pem", [*JUNK, public(CURVE)], ids=range(len(JUNK) + 1))
def test_a_tls_file_without_what_it_must_hold_is_refused_by_its_setting(
    tmp_path: Path, setting: str, pem: bytes
) -> None:
    cert, key = write_certificate(tmp_path)
    bad = tmp_path / "bad.pem"
    bad.write_bytes(pem)

    with pytest.raises(BadSetting, match=f"GREENROOM_{setting.upper()} is not valid"):
        check_address(Settings(tls_cert=cert, tls_key=key, tls_ca=cert).model_copy(update={setting: bad}))


def test_a_certificate_and_the_key_of_another_are_refused(tmp_path: Path) -> None:
    cert, _ = write_certificate(tmp_path)
    (tmp_path / "other").mkdir()
    other_cert, other_key = write_certificate(tmp_path / "other")

    with pytest.raises(BadSetting, match="TLS_KEY is not valid: it is not the key of"):
        check_address(Settings(tls_cert=cert, tls_key=other_key))
    both = tmp_path / "both.pem"
    both.write_bytes(cert.read_bytes() + other_cert.read_bytes())
    with pytest.raises(BadSetting, match="first certificate"):
        check_address(Settings(tls_cert=both, tls_key=other_key))


def test_swapped_files_are_refused(tmp_path: Path) -> None:
    cert, key = write_certificate(tmp_path)

    with pytest.raises(BadSetting, match="GREENROOM_TLS_CERT is not valid"):
        check_address(Settings(tls_cert=key, tls_key=cert))
    with pytest.raises(BadSetting, match="GREENROOM_TLS_CA is not valid: the file holds a private key"):
        check_address(Settings(tls_ca=key))


def test_an_encrypted_key_is_refused(tmp_path: Path) -> None:
    cert, key = write_certificate(tmp_path)
    read = serialization.load_pem_private_key(key.read_bytes(), None)
    key.write_bytes(private(read, serialization.BestAvailableEncryption(b"pass")))

    with pytest.raises(BadSetting, match="GREENROOM_TLS_KEY is not valid: the key is encrypted"):
        check_address(Settings(tls_cert=cert, tls_key=key))


def test_an_expired_certificate_is_refused(tmp_path: Path) -> None:
    cert, key = write_certificate(tmp_path, lasts=datetime.timedelta(hours=-1))

    with pytest.raises(BadSetting, match="GREENROOM_TLS_CERT is not valid: the certificate expired on 20"):
        check_address(Settings(tls_cert=cert, tls_key=key))


def test_files_that_fit_are_accepted(tmp_path: Path) -> None:
    cert, key = write_certificate(tmp_path)
    path = tmp_path / "public.pem"
    path.write_bytes(public(CURVE))

    check_address(Settings(tls_cert=cert, tls_key=key, tls_ca=cert, jwt_public_key=path))
