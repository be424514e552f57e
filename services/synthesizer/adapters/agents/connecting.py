"""Sentences that say why a connection to an agent failed and what would be right, and how to choose one for gRPC."""

import re

_TLS_OFF = "it speaks no TLS there; leave `tls` out, or use its port for TLS"
_TLS_ON = "it closed the connection at once; if it speaks TLS there, set `tls: true`"
_CLOSED = "it closed the connection at once; use the port of its gRPC server"
_NOT_GRPC = "a server that speaks no gRPC, such as one for HTTP/1, listens there; use the port of its gRPC server"
UNTRUSTED = "its certificate is not trusted; it must be valid, name this host, and come from an authority trusted here"
UNKNOWN_NAME = "its host name is not found; correct the address, or wait until the name is registered"
FORBIDDEN = "its host name leads to an address that may not be called; name that address in GREENROOM_AGENT_HOSTS"
NOTHING = "nothing listens there; start it, or correct the address"

_CONNECTING = (
    ("Connection refused", NOTHING),
    ("errors resolving|DNS resolution failed|address lookup failed", UNKNOWN_NAME),
    ("WRONG_VERSION_NUMBER", _TLS_OFF),
    ("CERTIFICATE_|Hostname Verification", UNTRUSTED),
    ("parsing HTTP/2|SETTINGS frame|http1|ALPN", _NOT_GRPC),
)
"""What gRPC says of a connection that it could not open, and the sentence for it."""
_CLOSING = "Socket closed|Connection reset|Broken pipe|end of TCP stream"

_NO_SERVICE = "Method not found|unknown service|unknown method|not implement the method|http2 header with status"
"""What servers in Python, Java, Go and Node say of a service that they do not have, and gRPC of other servers."""


def not_connected(said: str, tls: bool) -> str | None:
    """The sentence for an error of gRPC itself while it was not connected; None for one that is not known."""
    for pattern, sentence in _CONNECTING:
        if re.search(pattern, said):
            return sentence
    if re.search(_CLOSING, said):
        return _CLOSED if tls else _TLS_ON
    return None


def not_served(said: str) -> str | None:
    """The sentence for UNIMPLEMENTED of a server without AgentService; None for one that the agent itself sent."""
    if re.search(_NO_SERVICE, said):
        return "the server there has no greenroom.agent.v1.AgentService; register it, or correct the address"
    return None
