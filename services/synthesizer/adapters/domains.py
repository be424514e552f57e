"""Reads domains from the enricher."""

from collections.abc import Iterator
from dataclasses import replace

from greenroom.enricher.v1 import enrichment_pb2 as pb
from greenroom.enricher.v1 import enrichment_pb2_grpc
from services.synthesizer.procedures.model import Domain
from shared.auth import Caller
from shared.llm.briefs import Situation
from shared.rpc.peers import Peers


class EnricherDomains:
    """What the domains say that callers name."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers

    async def copied(self, caller: Caller, domain: Domain) -> Domain:
        """The domain with the number of its revision, and what models are shown of it.

        Raises HouseKeyMissing, PeerUnavailable, and what the enricher says, such as that there is no such domain.
        """
        context = await self._context(caller, pb.BuildContextRequest(domain=domain.name, revision=domain.revision))
        return replace(domain, revision=context.revision, agent=context.text, persona=context.customer_text)

    async def situations(self, caller: Caller, name: str, revision: int) -> tuple[int, tuple[Situation, ...]]:
        """The number of the revision, 0 for the newest READY one or else the newest, and the situations of customers.

        Raises what `copied` does.
        """
        request = pb.BuildContextRequest(domain=name, revision=revision, include_edge_cases=True)
        context = await self._context(caller, request)
        return context.revision, tuple(_situations(context))

    async def _context(self, caller: Caller, request: pb.BuildContextRequest) -> pb.DomainContext:
        peer = self._peers.of("enricher", caller)
        stub = enrichment_pb2_grpc.EnrichmentServiceStub(peer.channel)
        return (await peer.unary(stub.BuildContext, request)).context


def _situations(context: pb.DomainContext) -> Iterator[Situation]:
    """Each workflow as it is; then each scenario of a workflow, and each edge case in a workflow of its entity."""
    workflows = {one.id: one for one in context.workflows}
    for one in context.workflows:
        yield Situation(one.text, tuple(step.text for step in one.steps))
    for scenario in context.scenarios:
        if (within := workflows.get(scenario.workflow)) is not None:
            yield Situation(within.text, special=scenario.text)
    for case in context.edge_cases:
        within = next((one for one in context.workflows if case.entity in one.entities), None)
        if within is not None:
            yield Situation(within.text, special=case.text)
