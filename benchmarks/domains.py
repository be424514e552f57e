"""How long a request takes to be merged with its domain, beside a call that does nothing: the health check.

Both take turns, call by call, on one connection.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

import grpc
import numpy as np
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub

from benchmarks.results import gates, limited, report
from benchmarks.servers import server
from greenroom.enricher.v1 import enrichment_pb2 as pb
from greenroom.enricher.v1.enrichment_pb2_grpc import EnrichmentServiceStub
from greenroom.type.v1.domain_pb2 import FieldBounds, FieldConstraint

TOPIC = "domains"
REQUEST = pb.EnrichRequest(
    domain="domains/ecommerce",
    entity="order",
    hints=["only paid orders", "total between 10 and 50 EUR"],
    constraints=[FieldConstraint(field="number", bounds=FieldBounds(max_length=11))],
    include_edge_cases=True,
)


def run(quick: bool) -> bool:
    """Measure, report, and return whether the gates held."""
    return asyncio.run(_run(quick))


async def _run(quick: bool) -> bool:
    gate = gates(TOPIC)
    size = gate["quick" if quick else "full"]
    ratios, empties = [], []
    with server("services.enricher") as process:
        async with grpc.aio.insecure_channel(process.address) as channel:
            enrich = EnrichmentServiceStub(channel).Enrich
            check = HealthStub(channel).Check
            answer = await enrich(REQUEST)
            assert answer.enriched, answer.error.message
            ways = (lambda: enrich(REQUEST), lambda: check(health_pb2.HealthCheckRequest()))
            for _ in range(size["rounds"]):
                ours, empty = await turns(ways, size["calls"])
                empties.append(empty)
                ratios.append(ours / empty)
    return report(TOPIC, [limited(gate["enrich"], "", ratios, beside=empties)])


async def turns(ways: tuple[Callable[[], Awaitable[object]], ...], calls: int) -> list[float]:
    """The 99th percentile of each way's time in ms."""
    taken: list[list[float]] = [[] for _ in ways]
    for _ in range(calls):
        for way, times in zip(ways, taken, strict=True):
            start = time.perf_counter()
            await way()
            times.append((time.perf_counter() - start) * 1000)
    return [float(np.percentile(times, 99)) for times in taken]
