"""What a page of built-in things costs the server, beside one of them."""

import asyncio
from collections.abc import Awaitable, Callable

import grpc

from benchmarks.results import gates, limited, report
from benchmarks.servers import Server, server
from greenroom.synthesizer.v1 import persona_pb2 as pb
from greenroom.synthesizer.v1.persona_pb2_grpc import PersonaServiceStub

TOPIC = "lists"
AT_ONCE = 20


def run(quick: bool) -> bool:
    """Measure, report, and return whether the gates held."""
    return asyncio.run(_run(quick))


async def _run(quick: bool) -> bool:
    gate = gates(TOPIC)
    size = gate["quick" if quick else "full"]
    ratios, gets = [], []
    with server("services.synthesizer") as process:
        async with grpc.aio.insecure_channel(process.address) as channel:
            stub = PersonaServiceStub(channel)
            get = lambda: stub.GetPersona(pb.GetPersonaRequest(name="personas/eager-eddie"))  # noqa: E731
            page = lambda: stub.ListPersonas(pb.ListPersonasRequest())  # noqa: E731
            for ask in (get, page):
                await _cost(process, ask, size["calls"] // 4)
            for _ in range(size["rounds"]):
                gets.append(await _cost(process, get, size["calls"]))
                ratios.append(await _cost(process, page, size["calls"]) / gets[-1])
    return report(TOPIC, [limited(gate["built_in"], "", ratios, beside=gets)])


async def _cost(process: Server, ask: Callable[[], Awaitable[object]], calls: int) -> float:
    """The server's processor time a call in ms, over `calls` calls, AT_ONCE at a time."""
    before = process.processor_seconds()
    for _ in range(calls // AT_ONCE):
        await asyncio.gather(*(ask() for _ in range(AT_ONCE)))
    return (process.processor_seconds() - before) / calls * 1000
