"""How long 100 carts take through the gateway, beside a call that does nothing: the gateway's health check.

Gateway, enricher and test data are processes of their own. Both calls take turns on one connection.
"""

import asyncio
from itertools import count

import grpc
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub

from benchmarks.domains import turns
from benchmarks.results import gates, limited, report
from benchmarks.servers import server
from greenroom.gateway.v1 import generation_pb2 as pb
from greenroom.gateway.v1.generation_pb2_grpc import GenerationServiceStub

TOPIC = "generations"
_WARM = 30
"""Calls before the first that counts."""


def run(quick: bool) -> bool:
    """Measure, report, and return whether the gates held."""
    return asyncio.run(_run(quick))


async def _run(quick: bool) -> bool:
    gate = gates(TOPIC)
    size = gate["quick" if quick else "full"]
    ratios, empties = [], []
    with (
        server("services.enricher") as enricher,
        server("services.testdata", settings={"enricher_address": enricher.address}) as testdata,
        server(
            "services.gateway",
            settings={"enricher_address": enricher.address, "testdata_address": testdata.address},
        ) as gateway,
    ):
        async with grpc.aio.insecure_channel(gateway.address) as channel:
            generate, check = GenerationServiceStub(channel).GenerateTestData, HealthStub(channel).Check
            seeds = count()

            async def carts() -> None:
                # Another seed each time, so that nothing is remembered.
                request = pb.GenerateTestDataRequest(
                    domain="domains/ecommerce", entity="cart", count=100, workflow="checkout", seed=next(seeds)
                )
                answer = await generate(request)
                assert answer.record_count == 100, answer.error.message

            ways = (carts, lambda: check(health_pb2.HealthCheckRequest()))
            await turns(ways, _WARM)
            for _ in range(size["rounds"]):
                ours, empty = await turns(ways, size["calls"])
                empties.append(empty)
                ratios.append(ours / empty)
    return report(TOPIC, [limited(gate["carts"], "", ratios, beside=empties)])
