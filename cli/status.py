"""greenroom status"""

import asyncio

import grpc
import typer
from grpc_health.v1 import health_pb2, health_pb2_grpc
from rich.text import Text

from cli.kit.render import Rows, console
from cli.kit.run import FAILED, OK, UNREACHABLE, Connection, Failed, verb
from shared.roster import SERVICES

app = verb()


@app.command()
def status(context: typer.Context) -> None:
    """Show the health of the gateway and of each service; exit status 1 if one does not serve."""
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
    services = ["", *(service for peer in SERVICES for service in peer.rpc_services)]
    async with channel:
        stub = health_pb2_grpc.HealthStub(channel)
        return [(service, await _check(stub, service, connection.address)) for service in services]


async def _check(stub: health_pb2_grpc.HealthStub, service: str, address: str) -> str:
    try:
        response = await stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=5)
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.NOT_FOUND:
            return "unknown"
        raise Failed(
            f"Nothing answers at {address}; start it with `greenroom up`, or pass its address with --address.",
            UNREACHABLE,
        ) from error
    name: str = health_pb2.HealthCheckResponse.ServingStatus.Name(response.status)
    return name.lower().replace("_", " ")
