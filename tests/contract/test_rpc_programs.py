"""grpcurl, buf and ghz against a server, with no proto file. CI installs them; elsewhere these tests may be skipped."""

import json
from collections.abc import AsyncIterator

import pytest

from tests.programs import run
from tests.unit.rpc.echo import METHODS, NAME, Echo, serving


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    async with serving() as echo:
        yield echo


async def grpcurl(echo: Echo, *arguments: str, data: str = "{}") -> tuple[int, str, str]:
    return await run("grpcurl", "-plaintext", "-d", data, f"127.0.0.1:{echo.port}", *arguments)


async def test_grpcurl_lists_services_and_methods(echo: Echo) -> None:
    _, services, _ = await run("grpcurl", "-plaintext", f"127.0.0.1:{echo.port}", "list")
    _, methods, _ = await run("grpcurl", "-plaintext", f"127.0.0.1:{echo.port}", "list", NAME)

    assert NAME in services.splitlines()
    assert methods.split() == sorted(f"{NAME}.{method}" for method in METHODS)


async def test_grpcurl_describes_a_method_with_its_permission(echo: Echo) -> None:
    code, described, _ = await run("grpcurl", "-plaintext", f"127.0.0.1:{echo.port}", "describe", f"{NAME}.Watch")

    assert code == 0
    assert "returns ( stream .greenroom.tests.v1.EchoResponse )" in described
    assert '(.greenroom.type.v1.permission) = "echo.read"' in described


async def test_grpcurl_calls_and_streams(echo: Echo) -> None:
    _, one, _ = await grpcurl(echo, f"{NAME}/Unary", data='{"text": "hi"}')
    _, three, _ = await grpcurl(echo, f"{NAME}/ServerStream", data='{"text": "hi"}')
    _, both, _ = await grpcurl(echo, f"{NAME}/Bidi", data='{"text": "a"} {"text": "b"}')

    assert json.loads(one) == {"text": "hi"}
    assert three.count('"text"') == 3
    assert both.count('"text"') == 2


async def test_grpcurl_shows_the_reason_and_the_field(echo: Echo) -> None:
    code, _, error = await grpcurl(echo, f"{NAME}/Unary", data='{"tags": ["much too long"]}')

    assert code != 0
    assert "Code: InvalidArgument" in error
    assert '"reason": "INVALID_ARGUMENT"' in error
    assert '"field": "tags[0]"' in error


async def test_buf_curl_lists_and_calls(echo: Echo) -> None:
    base = ("curl", "--protocol", "grpc", "--http2-prior-knowledge")

    _, methods, _ = await run("buf", *base, "--list-methods", f"http://127.0.0.1:{echo.port}")
    _, answer, _ = await run("buf", *base, "-d", '{"text": "hi"}', f"http://127.0.0.1:{echo.port}/{NAME}/Unary")

    assert f"{NAME}/Unary" in methods.splitlines()
    assert json.loads(answer) == {"text": "hi"}


@pytest.mark.parametrize("method", ["Unary", "ServerStream"])
async def test_ghz_calls_a_method_by_name(echo: Echo, method: str) -> None:
    call = ("--insecure", "--call", f"{NAME}.{method}", "-d", '{"text": "hi"}', "-n", "50", "-c", "5", "-O", "json")

    code, report, error = await run("ghz", *call, f"127.0.0.1:{echo.port}")

    assert code == 0, error
    assert json.loads(report)["statusCodeDistribution"] == {"OK": 50}
