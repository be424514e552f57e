"""Reads domains from the enricher."""

from greenroom.enricher.v1 import domain_pb2, domain_pb2_grpc
from shared.auth import Caller
from shared.compute import Compute
from shared.model.packs.model import Pack
from shared.model.packs.reading import read_pack
from shared.rpc.peers import Peers


class EnricherDomains:
    """The domains that callers name. compute: reads packs."""

    def __init__(self, peers: Peers, compute: Compute) -> None:
        self._peers = peers
        self._compute = compute

    async def pack(self, caller: Caller, name: str, revision: int = 0) -> tuple[int, Pack]:
        """The number and the pack of a revision, 0 for the newest READY one or else the newest.

        Raises HouseKeyMissing, PeerUnavailable, and what the enricher says, such as that there is no such domain.
        """
        peer = self._peers.of("enricher", caller)
        stub = domain_pb2_grpc.DomainServiceStub(peer.channel)
        if not revision:
            found = (await peer.unary(stub.GetDomain, domain_pb2.GetDomainRequest(name=name))).domain
            revision = found.latest_ready_revision or found.latest_revision
        # Numbers above 2^53 are exact in the YAML of a pack, and not in its message.
        request = domain_pb2.ExportDomainRequest(name=name, revision=revision)
        data = b"".join([message.chunk async for message in peer.stream(stub.ExportDomain, request)])
        return revision, await self._compute.run(read_pack, data, f"{name}.yaml", reads=len(data))
