"""Contexts: what domains say, and requests merged with it."""

from greenroom.client._calls import Calls
from greenroom.enricher.v1 import enrichment_pb2 as pb
from greenroom.enricher.v1.enrichment_pb2_grpc import EnrichmentServiceStub


class Enrichment:
    """The calls of EnrichmentService. Domains are `domains/{domain}`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = EnrichmentServiceStub(calls.channel)

    async def context(
        self,
        domain: str,
        *,
        revision: int = 0,
        entity: str = "",
        workflow: str = "",
        scenario: str = "",
        edge_cases: bool = False,
    ) -> pb.DomainContext:
        """What a domain says about an entity, a workflow or a scenario, or about all of them if none is named.

        revision: 0 for the newest READY one, or else the newest. edge_cases: with the edge cases.
        """
        request = pb.BuildContextRequest(
            domain=domain,
            revision=revision,
            entity=entity,
            workflow=workflow,
            scenario=scenario,
            include_edge_cases=edge_cases,
        )
        return (await self._calls.unary(self._stub.BuildContext, request)).context

    async def enrich(self, request: pb.EnrichRequest) -> pb.EnrichResponse:
        """The request merged with its domain. One that cannot be has `enriched` false and `error` set."""
        return await self._calls.unary(self._stub.Enrich, request)
