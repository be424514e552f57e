"""Forged cursors and page tokens: the checksum and the request are right, the position is arbitrary."""

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass

import grpc
import pytest

from greenroom.synthesizer.v1 import batch_pb2
from tests.contract.methods import Method, methods
from tests.contract.valid_requests import one_of_each, valid_request
from tests.scripted import theatre
from tests.suite import new_stores

NO_JSON = [b"\xff", b"{", b"[1,", b"nope", b"[" * 700, b'{"a":' * 140, b"9" * 700, b'"\xed\xa0\x80"']
NO_POSITION = [
    *(b"{}", b'{"a": 1}', b"true", b"null", b"NaN", b"Infinity", b"1e999", b"-2", b"1.5", b"99999999999999999999"),
    *(b'"\\ud800"', b'"a\\u0000b"', b"[[1]]", b"[]", b"[1, 2]", b"[true, true]", b"[1, 2, 3, 4]", b'[1, "2", 3]'),
    *(b"[true, false, true]", b"[0, 0, 99999999999999999999]", b"[null, null]", b"[-1, -1]", b"[1e999, 0]"),
]
CONTINUED = [
    (method, field.name)
    for method in methods()
    for field in method.descriptor.input_type.fields
    if field.name in ("cursor", "page_token")
]


@dataclass
class Target:
    """The server, and the name of a resource of each kind by collection."""

    channel: grpc.aio.Channel
    names: dict[str, str]


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.soak)])
async def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    stores = new_stores(request)
    async with (
        theatre(stores.pop("synthesizer"), tmp_path_factory.mktemp("cursors"), others=stores) as stage,
        grpc.aio.insecure_channel(stage.suite.address) as channel,
    ):
        done = await stage.play(source=stage.source)
        spec = batch_pb2.BatchSpec(conversation=stage.spec(persona=""), size=2)
        batch = await stage.client.batches.cancel((await stage.client.batches.start(spec, create_only=True)).name)
        names = await one_of_each(stage, "own") | {"conversations": done.name, "batches": batch.name}
        yield Target(channel, names)


@pytest.mark.parametrize(("method", "field"), CONTINUED, ids=str)
async def test_a_position_that_somebody_made_up_gets_a_reason_and_never_an_internal_error(
    target: Target, method: Method, field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # With this digest one token fits all requests.
    monkeypatch.setattr("shared.rpc.cursors._digest", lambda _, size: b"\0" * size)
    for body in (*NO_JSON, *NO_POSITION):
        request = valid_request(method, target.names)
        setattr(request, field, base64.urlsafe_b64encode(b"\1" + b"\0" * 12 + body).decode().rstrip("="))

        told, _ = await method.call(target.channel, request)

        assert told.reason == "CURSOR_MALFORMED" or (body not in NO_JSON and told.code == "OK"), (body, told)
