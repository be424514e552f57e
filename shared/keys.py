"""Checks the key and certificate files of the settings at start, so that an error names the setting."""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from shared.settings import BadSetting, Settings

_RSA_BITS = 2048

T = TypeVar("T")


def read_public_key(path: Path) -> bytes:
    """The public key in the file of `jwt_public_key`, as PEM. Raises BadSetting if it cannot check tokens."""
    name, pem = "JWT_PUBLIC_KEY", _read("JWT_PUBLIC_KEY", path)
    if b"PRIVATE KEY-----" in pem:
        raise BadSetting(name=name, problem="the file holds a private key; give the server the public key only")
    if b"-----BEGIN CERTIFICATE-----" in pem:
        raise BadSetting(name=name, problem="the file holds a certificate; give the public key in it")
    key = _parsed(name, "a public key in PEM", lambda: load_pem_public_key(pem))
    match key:
        case rsa.RSAPublicKey() if key.key_size < _RSA_BITS:
            raise BadSetting(name=name, problem=f"an RSA key needs {_RSA_BITS} bits or more")
        case rsa.RSAPublicKey() | ec.EllipticCurvePublicKey(curve=ec.SECP256R1()):
            return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        case _:
            raise BadSetting(name=name, problem="the key must be an RSA key (RS256) or one on the curve P-256 (ES256)")


def check_tls(settings: Settings) -> None:
    """Raise BadSetting if the files of `tls_cert` and `tls_key` do not belong together, or the file of `tls_ca` is
    unusable.
    """
    if settings.tls_cert is not None and settings.tls_key is not None:
        leaf = _certificates("TLS_CERT", settings.tls_cert)[0]
        pem = _read("TLS_KEY", settings.tls_key)
        if b"ENCRYPTED" in pem:
            raise BadSetting(name="TLS_KEY", problem="the key is encrypted; give it without a passphrase")
        key = _parsed("TLS_KEY", "a private key in PEM", lambda: load_pem_private_key(pem, password=None))
        if key.public_key() != _parsed("TLS_CERT", "a certificate of a known kind", leaf.public_key):
            raise BadSetting(name="TLS_KEY", problem="it is not the key of the first certificate in GREENROOM_TLS_CERT")
        if leaf.not_valid_after_utc < datetime.now(UTC):
            raise BadSetting(name="TLS_CERT", problem=f"the certificate expired on {leaf.not_valid_after_utc:%Y-%m-%d}")
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(settings.tls_cert, settings.tls_key)
        except (ssl.SSLError, OSError) as error:
            raise BadSetting(name="TLS_CERT", problem="TLS does not accept this kind or size of key") from error
    if settings.tls_ca is not None:
        _certificates("TLS_CA", settings.tls_ca)


def _certificates(name: str, path: Path) -> list[x509.Certificate]:
    pem = _read(name, path)
    if name == "TLS_CA" and b"PRIVATE KEY-----" in pem:
        raise BadSetting(name=name, problem="the file holds a private key; give certificates only")
    return _parsed(name, "a certificate in PEM", lambda: x509.load_pem_x509_certificates(pem))


def _read(name: str, path: Path) -> bytes:
    try:
        pem = path.read_bytes()
    except OSError as error:
        raise BadSetting(name=name, problem="the file cannot be read") from error
    if not pem.strip():
        raise BadSetting(name=name, problem="the file is empty")
    return pem


def _parsed(name: str, what: str, parse: Callable[[], T]) -> T:
    try:
        return parse()
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadSetting(name=name, problem=f"the file does not hold {what}") from error
