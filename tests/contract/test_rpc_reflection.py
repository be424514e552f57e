"""Reflection as grpcurl, buf and ghz use it."""

from collections.abc import AsyncIterator
from typing import TypeAlias

import grpc
import pytest
from google.protobuf import descriptor_pb2
from grpc_reflection.v1alpha import reflection_pb2

from tests.unit.rpc.echo import METHODS, NAME, Echo, serving

Request: TypeAlias = reflection_pb2.ServerReflectionRequest


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    async with serving() as echo:
        yield echo


async def ask(
    channel: grpc.aio.Channel, request: Request, version: str = "v1alpha"
) -> reflection_pb2.ServerReflectionResponse:
    method = channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=Request.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    (answer,) = [response async for response in method(iter([request]))]
    return answer


@pytest.mark.parametrize("version", ["v1alpha", "v1"])
async def test_services_are_listed(echo: Echo, version: str) -> None:
    answer = await ask(echo.channel, Request(list_services="*"), version)

    assert {service.name for service in answer.list_services_response.service} == {
        NAME,
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
    }


@pytest.mark.parametrize(
    "symbol", [NAME, *(f"{NAME}.{method}" for method in METHODS), "greenroom.tests.v1.EchoRequest"]
)
async def test_reflection_describes_a_service_its_methods_and_messages_with_their_imports(
    echo: Echo, symbol: str
) -> None:
    answer = await ask(echo.channel, Request(file_containing_symbol=symbol))

    files = map(descriptor_pb2.FileDescriptorProto.FromString, answer.file_descriptor_response.file_descriptor_proto)
    assert {"greenroom/tests/v1/echo.proto", "buf/validate/validate.proto"} < {file.name for file in files}


@pytest.mark.parametrize("symbol", ["no.such.Service", f"{NAME}.Nothing", "no.such.Service.Method", ""])
async def test_an_unknown_symbol_is_not_found(echo: Echo, symbol: str) -> None:
    answer = await ask(echo.channel, Request(file_containing_symbol=symbol))

    assert answer.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]
