"""The health check of the container: exits 0 if the server on this machine is SERVING. Uses TLS if the server does."""

import os
import sys
from pathlib import Path

import grpc
from cryptography import x509
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

_LOOPBACK = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "[::1]", "[::]": "[::1]"}


def channel() -> grpc.Channel:
    """A channel to the server that these settings start."""
    host = os.environ.get("GREENROOM_HOST", "")
    address = f"{_LOOPBACK.get(host, host)}:{os.environ['GREENROOM_PORT']}"
    if not (file := os.environ.get("GREENROOM_TLS_CERT")):
        return grpc.insecure_channel(address)
    # Trust this one certificate, and ask for a name that is in it, because the server is called by its address.
    pem = Path(file).read_bytes()
    name = (("grpc.ssl_target_name_override", _name(x509.load_pem_x509_certificates(pem)[0])),)
    return grpc.secure_channel(address, grpc.ssl_channel_credentials(pem), options=name)


def _name(certificate: x509.Certificate) -> str:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return str(certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value)
    dns = names.get_values_for_type(x509.DNSName)
    return dns[0].replace("*", "health") if dns else str(names.get_values_for_type(x509.IPAddress)[0])


if __name__ == "__main__":
    with channel() as server:
        answer = HealthStub(server).Check(HealthCheckRequest(), timeout=3, wait_for_ready=True)
    sys.exit(answer.status != HealthCheckResponse.SERVING)
