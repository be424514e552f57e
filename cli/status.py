"""greenroom status"""

import asyncio

import grpc
import typer
from grpc_health.v1 import health_pb2, health_pb2_grpc
from rich.text import Text

from cli.commands import FAILED, OK, UNREACHABLE, Connection, Failed, verb
from cli.render import Rows, console
from greenroom.synthesizer.v1 import batch_pb2, conversation_pb2, persona_pb2, procedure_pb2, source_pb2
from greenroom.testdata.v1 import trace_pb2

app = verb()

_FILES = (trace_pb2, persona_pb2, procedure_pb2, source_pb2, conversation_pb2, batch_pb2)
_SERVICES = tuple(name.full_name for file in _FILES for name in file.DESCRIPTOR.services_by_name.values())


@app.command()
def status(context: typer.Context) -> None:
    """Say how the gateway and each service behind it are; exit status 1 when one of them does not serve."""
    connection: Connection = context.obj
    found = asyncio.run(_ask(connection))
    rows = Rows("SERVICE", "STATUS")
    for service, word in found:
        rows.add(service or f"gateway at {connection.address}", Text(word, "green" if word == "serving" else "red"))
    console().print(rows)
    raise typer.Exit(OK if all(word == "serving" for _, word in found) else FAILED)


async def _ask(connection: Connection) -> list[tuple[str, str]]:
    channel = (
        grpc.aio.insecure_channel(connection.address)
        if connection.tls is None
        else grpc.aio.secure_channel(connection.address, connection.tls)
    )
    async with channel:
        stub = health_pb2_grpc.HealthStub(channel)
        return [(service, await _check(stub, service, connection.address)) for service in ("", *_SERVICES)]


async def _check(stub: health_pb2_grpc.HealthStub, service: str, address: str) -> str:
    try:
        response = await stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=5)
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.NOT_FOUND:
            return "not there"
        raise Failed(
            f"Nothing answers at {address}; start it with `greenroom up`, or say where it is with --address.",
            UNREACHABLE,
        ) from error
    name: str = health_pb2.HealthCheckResponse.ServingStatus.Name(response.status)
    return name.lower().replace("_", " ")
