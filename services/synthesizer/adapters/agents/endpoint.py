"""One POST to an agent over HTTP, and every way in which it can fail.

The kinds import this module when they connect: aiohttp takes a while to import.
"""

import asyncio
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from services.synthesizer.adapters.agents.connecting import FORBIDDEN, NOTHING, UNKNOWN_NAME, UNTRUSTED
from services.synthesizer.adapters.agents.kind import Access
from services.synthesizer.conversations.targets import TargetFailed, TargetUnavailable
from shared.hosts import AllowedHosts
from shared.limits import MIB
from shared.llm.wire import retry_after, said, without_secrets
from shared.plain import plain

MAX_ANSWER = 4 * MIB
_MAX_QUOTE = 500
_PASSING = frozenset({408, 409, 425, 429})
"""The statuses below 500 after which the same request may succeed."""

_NO_TLS = "it speaks no TLS there; write http instead of https, or use its port for TLS"
_NO_HTTP = "what it sends is not HTTP; use the port of its HTTP server"
_CUT = "it closed the connection before its answer was complete"


@dataclass(frozen=True, slots=True)
class Received:
    """The body of an answer with the status 200.

    kind: its media type. milliseconds: until it was complete; first: until its first byte.
    """

    content: bytes
    kind: str
    milliseconds: int
    first: int


class Endpoint:
    """An address that takes POSTs of JSON. It follows no redirect and keeps no cookie.

    headers: of every request. secret: removed from what is quoted; "" is none.
    """

    def __init__(self, url: str, access: Access, headers: Mapping[str, str], secret: str) -> None:
        self.url = url
        self._secrets = (secret,) if secret else ()
        self._timeout = access.timeout
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, resolver=_CheckedResolver(access.hosts)),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            headers={**headers, "content-type": "application/json"},
        )

    async def post(self, body: bytes, headers: Mapping[str, str] | None = None) -> Received:
        """Send a body. headers: besides those of every request.

        Raises TargetUnavailable if another attempt may help, TargetFailed if none will.
        """
        began = time.monotonic()
        with self._explained():
            async with (
                asyncio.timeout(self._timeout),
                self._session.post(self.url, data=body, headers=headers, allow_redirects=False) as response,
            ):
                content, first = bytearray(), began
                async for chunk in response.content.iter_any():
                    first = first if content else time.monotonic()
                    content += chunk
                    if len(content) > MAX_ANSWER:
                        raise self.failed(f"its answer is larger than {MAX_ANSWER // MIB} MiB")
                if response.status != 200:
                    raise self._refused(response, bytes(content))
                took, waited = time.monotonic() - began, first - began
                return Received(bytes(content), response.content_type, round(1000 * took), round(1000 * waited))

    def failed(self, why: str) -> TargetFailed:
        """The error for an answer that cannot be used. why: may quote the agent."""
        return TargetFailed(agent=self.url, why=why)

    def unavailable(self, why: str) -> TargetUnavailable:
        """The error for an answer that may be better the next time."""
        return TargetUnavailable(agent=self.url, why=why)

    def quoted(self, text: str) -> str:
        """A text of the agent for a sentence: on one line, cut, without the secret and what looks like a key."""
        return plain(without_secrets(text, self._secrets), _MAX_QUOTE)

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except TimeoutError:
            raise self.unavailable(f"no answer came within {self._timeout:g} s") from None
        except _AddressForbidden:
            raise self.failed(FORBIDDEN) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise self.unavailable(_why(error)) from error

    def _refused(self, response: aiohttp.ClientResponse, content: bytes) -> TargetUnavailable | TargetFailed:
        text, _ = said(content)
        quote = self.quoted(text)
        why = f"it answered {response.status}" + (f', "{quote}"' if quote else "")
        if 300 <= response.status < 400:
            return self.failed(f"it answered {response.status}, and redirects are not followed; give the final address")
        if response.status < 500 and response.status not in _PASSING:
            return self.failed(why)
        unavailable = self.unavailable(why)
        unavailable.retry_after = retry_after({name.lower(): value for name, value in response.headers.items()})
        return unavailable


class _AddressForbidden(Exception):
    """A name leads to an address that may not be dialled."""


class _CheckedResolver(AbstractResolver):
    """Looks a name up once for each connection; aiohttp dials the addresses that are returned and no others."""

    def __init__(self, allowed: AllowedHosts) -> None:
        self._allowed = allowed
        self._lookup = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._lookup.resolve(host, port, family)
        if not all(self._allowed.may_dial(host, one["host"]) for one in found):
            raise _AddressForbidden
        return found

    async def close(self) -> None:
        pass


def _why(error: Exception) -> str:
    match error:
        case aiohttp.ClientConnectorDNSError():
            return UNKNOWN_NAME
        case aiohttp.ClientConnectorCertificateError():
            return UNTRUSTED
        case aiohttp.ClientConnectorSSLError():
            return _NO_TLS
        case aiohttp.ClientConnectorError():
            return NOTHING
        case aiohttp.ClientResponseError():
            return _NO_HTTP
        case _:
            return _CUT
