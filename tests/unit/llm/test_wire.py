"""What the headers and the texts of a vendor's errors say."""

from collections.abc import AsyncIterator

import pytest

from shared.errors import GreenroomError
from shared.llm.base import ModelRefused, ModelUnavailable, RateLimits
from shared.llm.reading import Reading
from shared.llm.wire import Wire, rate_limits


class Answered:
    """An answer of a server."""

    def __init__(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.status_code, self.headers, self.content = status, headers, content

    async def aread(self) -> bytes:
        return self.content

    async def aiter_lines(self) -> AsyncIterator[str]:
        for line in self.content.decode().splitlines():
            yield line

    async def aclose(self) -> None:
        pass


async def failure(status: int, headers: dict[str, str], content: bytes = b"") -> GreenroomError:
    """The error for an answer."""

    async def post(_: bytes) -> Answered:
        return Answered(status, headers, content)

    async def describe(_: str) -> Answered:
        raise AssertionError

    with pytest.raises((ModelUnavailable, ModelRefused)) as caught:
        await Wire(describe, post, (), "http://x", 1.0, ("s3cret-s3cret",)).ask("acme:small", {}, lambda _: Reading())
    return caught.value


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "3"}, 3.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-1"}, 0.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1h2m3s"}, 3723.0),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "20ms"}, 0.02),
        ({"x-ratelimit-remaining-tokens": "5", "x-ratelimit-reset-tokens": "20ms"}, None),
        (
            {
                "anthropic-ratelimit-requests-remaining": "0",
                "anthropic-ratelimit-requests-reset": "2020-01-01T00:00:00Z",
            },
            0.0,
        ),
    ],
)
async def test_the_pause_is_what_the_headers_say(headers: dict[str, str], seconds: float | None) -> None:
    error = await failure(429, headers)

    assert isinstance(error, ModelUnavailable)
    assert error.throttled
    assert error.retry_after == seconds


def test_headers_that_say_nothing_or_nonsense_of_limits_give_none() -> None:
    assert rate_limits({"content-type": "application/json"}) is None
    assert rate_limits({"x-ratelimit-limit-requests": "many", "x-ratelimit-reset-tokens": "1.2.3s"}) == RateLimits()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'{"error": {"message": "No such model."}}', ', "No such model."'),
        (b'{"error": "model \\"x\\" not found"}', ', "model "x" not found"'),
        (b'{"message": "No."}', ', "No."'),
        (b'{"detail": [{"msg": "no"}]}', '"msg": "no"'),
        (b"<h1>\x1b[31mBad Gateway</h1>", ', "<h1>Bad Gateway</h1>"'),
        (b"", "it answered 404."),
        (b'"text"', ', "text"'),
        (b'{"error": {"message": "Bad key s3cret-s3cret, Bearer abc, sk-ant-abcdef123, a***z"}}', "Bad key …, …, …, …"),
    ],
)
async def test_an_error_quotes_what_the_server_says_without_keys(content: bytes, says: str) -> None:
    assert says in str(await failure(404, {}, content))
