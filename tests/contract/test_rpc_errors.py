"""The errors that callers see, over a real connection."""

from collections.abc import AsyncIterator

import grpc
import pytest

from shared.errors import InvalidArgument, NotFound, Violation
from shared.rpc.errors import to_status
from tests.unit.rpc.echo import KINDS, NAME, Echo, EchoRequest, call, failure, raw, serving

CODES = [code.name for code in grpc.StatusCode if code is not grpc.StatusCode.OK]


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    async with serving() as echo:
        yield echo


@pytest.mark.parametrize("code", CODES)
async def test_every_canonical_code_arrives_with_its_reason_details_and_violations(echo: Echo, code: str) -> None:
    told = await failure(echo.stub.Unary(EchoRequest(text=f"fail {code}")))

    assert told.code == code
    assert told.sentence == f"Told to fail with {code} about echoes/1."
    assert told.reason == f"TOLD_{code}"
    assert told.details == {"name": "echoes/1"}
    assert told.violations == (Violation("text", "Must say something else."),)


@pytest.mark.parametrize("kind", KINDS)
async def test_an_error_is_the_same_in_all_four_kinds_of_methods(echo: Echo, kind: str) -> None:
    told = await failure(call(echo.stub, kind, EchoRequest(text="fail NOT_FOUND")))

    assert (told.code, told.reason) == ("NOT_FOUND", "TOLD_NOT_FOUND")


@pytest.mark.parametrize("kind", KINDS)
async def test_an_unexpected_exception_tells_its_caller_nothing(echo: Echo, kind: str) -> None:
    told = await failure(call(echo.stub, kind, EchoRequest(text="crash postgres://user:key@host")))

    assert (told.code, told.reason) == ("INTERNAL", "INTERNAL")
    assert "key" not in str(told) + str(told.details)
    assert told.details["trace_id"] in told.sentence


async def test_a_status_holds_exactly_one_error_info() -> None:
    status = to_status(NotFound(name="batches/1"))

    assert [detail.TypeName() for detail in status.details] == ["google.rpc.ErrorInfo"]


async def test_a_very_long_error_is_shortened_to_fit_into_the_headers(echo: Echo) -> None:
    violations = [Violation(f"spec.mocks[{n}].{'deep.' * 100}", "Ü" * 1000) for n in range(1000)]

    status = to_status(InvalidArgument(violations=violations, **{f"k{n}": "x" * 10_000 for n in range(50)}))

    assert status.ByteSize() < 6000
    assert len(to_status(NotFound(name="😀" * 100_000)).message.encode()) <= 600
    told = await failure(echo.stub.Unary(EchoRequest(tags=["too long a tag"] * 10_000)))
    assert told.code == "INVALID_ARGUMENT"
    assert told.violations[0].field == "tags[0]"


@pytest.mark.parametrize("kind", KINDS)
async def test_bytes_that_are_no_message_are_an_invalid_argument(echo: Echo, kind: str) -> None:
    wire = "_".join(
        "stream" if streams else "unary"
        for streams in (kind in ("ClientStream", "Bidi"), kind in ("ServerStream", "Bidi"))
    )
    method = getattr(echo.channel, wire)(f"/{NAME}/{kind}")
    garbage = b"\xff\xff\xff"

    told = await failure(method(iter([garbage]) if wire.startswith("stream") else garbage))

    assert (told.code, told.reason) == ("INVALID_ARGUMENT", "MALFORMED_REQUEST")


async def test_an_unknown_method_is_unimplemented(echo: Echo) -> None:
    assert (await failure(raw(echo.channel, f"/{NAME}/Nothing")(b""))).code == "UNIMPLEMENTED"


async def test_a_failure_without_details_decodes_to_an_empty_reason() -> None:
    async with grpc.aio.insecure_channel("127.0.0.1:1") as nobody:
        told = await failure(raw(nobody, f"/{NAME}/Unary")(b""))

    assert (told.code, told.reason, told.violations) == ("UNAVAILABLE", "", ())
