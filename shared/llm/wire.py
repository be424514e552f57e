"""One request to a vendor's server, and every way in which it can fail."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any, Protocol, TypeVar

from shared.errors import GreenroomError
from shared.llm.base import ModelDenied, ModelRefused, ModelUnavailable, RateLimits
from shared.llm.reading import Answer
from shared.llm.streaming import Stream, joined
from shared.plain import plain

T = TypeVar("T")

_MAX_QUOTE = 300
_DESCRIBE_SECONDS = 5.0
_UNREADABLE = (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError)
"""What reading an answer of an unknown form raises."""
_PASSING = frozenset({408, 409, 425, 429})
"""The statuses below 500 after which the same request may succeed."""
_DENIED = frozenset({401, 402, 403, 404})
"""The statuses for a wrong key, no credit, no permission and an unknown model."""
_NO_CREDIT = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
"""The codes of a 429 that no pause mends."""
_KEY_LIKE = re.compile(
    r"(?i:bearer)\s+[^\s\"',;]+"
    r"|\b(?:sk|pk|rk|gsk|xai|key|api)[-_][^\s\"',;]{6,}"
    r"|[^\s\"',;]*\*{3,}[^\s\"',;]*"
    r"|\b(?=[A-Za-z_]*\d)(?=[\d_]*[A-Za-z])\w{32,}\b"
)
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:([\d.]+)s)?(?:([\d.]+)ms)?")


class Response(Protocol):
    """An answer of a server, as httpx and httpx2 have it."""

    @property
    def status_code(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    async def aread(self) -> bytes: ...
    def aiter_lines(self) -> AsyncIterator[str]: ...
    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Wire:
    """A vendor's server, as its SDK reaches it.

    describe: asks for a model by its name; returns the answer, read, whatever its status is.
    post: sends a JSON body; returns the answer, perhaps not yet read, whatever its status is.
    failures: what it and the reading raise if no answer came, or only a part of one.
    address: of the server, for errors. timeout: seconds for the whole answer. secrets: removed from all messages.
    """

    describe: Callable[[str], Awaitable[Response]]
    post: Callable[[bytes], Awaitable[Response]]
    failures: tuple[type[Exception], ...]
    address: str
    timeout: float
    secrets: tuple[str, ...] = field(repr=False)

    async def ask(
        self, model: str, body: Mapping[str, Any], read: Callable[[Any], T], stream: Stream | None = None
    ) -> Answer[T]:
        """Send a body and read the answer. Raises ModelUnavailable, ModelRefused.

        stream: how the answer arrives in parts; None if it comes as a whole.
        """
        sent = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
        try:
            async with asyncio.timeout(self.timeout):
                return await self._answer(model, sent, read, stream)
        except TimeoutError:
            raise ModelUnavailable(model=model, why=f"no answer came within {self.timeout:g} s") from None
        except self.failures:
            # The text of such an error may have headers in it.
            raise ModelUnavailable(model=model, why=f"the connection to {self.address} failed or was cut") from None
        except _UNREADABLE:
            raise ModelUnavailable(model=model, why="its answer is broken or has an unknown form") from None

    async def missing(self, model: str) -> str:
        """What the server says if it does not have the model; "" if it has, or if it does not say.

        A server that does not know the question answers 404 too, but does not name the model.
        """
        try:
            async with asyncio.timeout(min(self.timeout, _DESCRIBE_SECONDS)):
                response = await self.describe(model)
                text = said(await response.aread())[0]
        except TimeoutError:
            return ""
        except self.failures:
            return ""
        named = re.search(rf"(?<![\w.-]){re.escape(model)}(?![\w-])", text)
        return plain(without_secrets(text, self.secrets), _MAX_QUOTE) if response.status_code == 404 and named else ""

    async def _answer(self, model: str, sent: bytes, read: Callable[[Any], T], stream: Stream | None) -> Answer[T]:
        began = time.perf_counter()
        response = await self.post(sent)
        try:
            headers = {name.lower(): value for name, value in response.headers.items()}
            if response.status_code != 200:
                raise self._refused(model, response.status_code, headers, await response.aread())
            if stream is None:
                return Answer(read(json.loads(await response.aread())), rate_limits(headers))
            answer, first_token = await joined(response.aiter_lines(), stream, began)
            return Answer(read(answer), rate_limits(headers), first_token)
        finally:
            await response.aclose()

    def _refused(self, model: str, status: int, headers: Mapping[str, str], content: bytes) -> GreenroomError:
        text, code = said(content)
        quote = plain(without_secrets(text, self.secrets), _MAX_QUOTE)
        why = f"it answered {status}" + (f', "{quote}"' if quote else "")
        if status in _DENIED or code in _NO_CREDIT:
            return ModelDenied(model=model, why=why)
        if status < 500 and status not in _PASSING:
            return ModelRefused(model=model, why=why)
        unavailable = ModelUnavailable(model=model, why=why)
        unavailable.throttled = status == 429
        unavailable.limits = rate_limits(headers)
        unavailable.retry_after = retry_after(headers, unavailable.limits)
        return unavailable


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """The text without these secrets, and without what looks like a key."""
    for secret in secrets:
        text = text.replace(secret, "…")
    return _KEY_LIKE.sub("…", text)


def rate_limits(headers: Mapping[str, str]) -> RateLimits | None:
    """The limits in the headers of OpenAI, Anthropic, and servers like them; None if there are none.

    headers: by their names in lower case.
    """
    if not any("ratelimit" in name for name in headers):
        return None

    def given(what: str, kind: str) -> str:
        return headers.get(f"x-ratelimit-{kind}-{what}") or headers.get(f"anthropic-ratelimit-{what}-{kind}") or ""

    return RateLimits(
        requests=_count(given("requests", "limit")),
        requests_left=_count(given("requests", "remaining")),
        requests_reset=_seconds(given("requests", "reset")),
        tokens=_count(given("tokens", "limit")),
        tokens_left=_count(given("tokens", "remaining")),
        tokens_reset=_seconds(given("tokens", "reset")),
    )


def retry_after(headers: Mapping[str, str], limits: RateLimits | None = None) -> float | None:
    """The seconds after which to ask again: as told, else until the exhausted limit is full again."""
    if (milliseconds := _seconds(headers.get("retry-after-ms", ""))) is not None:
        return milliseconds / 1000
    if (seconds := _seconds(headers.get("retry-after", ""))) is not None:
        return seconds
    if limits is not None and limits.requests_left == 0:
        return limits.requests_reset
    return limits.tokens_reset if limits is not None and limits.tokens_left == 0 else None


def _seconds(text: str) -> float | None:
    """A number of seconds, a duration such as 1m30s or 20ms, or the time until a date; None if it is none of these."""
    try:
        seconds = float(text)
        return max(0.0, seconds) if isfinite(seconds) else None
    except ValueError:
        pass
    if text and (parts := _DURATION.fullmatch(text)):
        try:
            hours, minutes, whole, thousandths = (float(part or 0) for part in parts.groups())
        except ValueError:
            return None
        return hours * 3600 + minutes * 60 + whole + thousandths / 1000
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            until = parse(text)
            return max(0.0, (until - datetime.now(until.tzinfo)).total_seconds())
        except (ValueError, TypeError):
            continue
    return None


def _count(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else None


def said(content: bytes) -> tuple[str, str]:
    """(what a server says about an error, its code), from JSON in the forms of the vendors, else from the text."""
    text = content[: 64 * 1024].decode(errors="replace")
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return text, ""
    error = body.get("error", body) if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return str(error), ""
    codes = {str(error.get("code")), str(error.get("type"))}
    message = error.get("message") or error.get("detail") or ""
    return message if isinstance(message, str) else json.dumps(message), next(iter(codes & _NO_CREDIT), "")
