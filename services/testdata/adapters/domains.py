"""Reads domains from the enricher."""

from greenroom.enricher.v1 import domain_pb2, domain_pb2_grpc
from services.testdata.records.reading import read_with_digest
from shared.auth import Caller
from shared.compute import Compute
from shared.lru import LruCache
from shared.model.packs.model import Pack
from shared.rpc.peers import Peers

_KEPT_BYTES = 4 << 20
"""The most bytes of YAML whose packs are kept."""


class EnricherDomains:
    """The domains that callers name. compute: reads packs."""

    def __init__(self, peers: Peers, compute: Compute) -> None:
        self._peers = peers
        self._compute = compute
        self._kept = LruCache[tuple[str, str, int, str], Pack](_KEPT_BYTES)

    async def pack(self, caller: Caller, name: str, revision: int = 0, digest: str = "") -> tuple[int, Pack]:
        """The number and the pack of a revision, 0 for the newest READY one or else the newest.

        digest: of the revision, if the caller knows it; then it may come from memory.
        Raises HouseKeyMissing, PeerUnavailable, and what the enricher says, such as that there is no such domain.
        """
        kept = self._kept.get((caller.company, name, revision, digest))
        if kept is not None:
            return revision, kept
        peer = self._peers.of("enricher", caller)
        stub = domain_pb2_grpc.DomainServiceStub(peer.channel)
        if not revision:
            found = (await peer.unary(stub.GetDomain, domain_pb2.GetDomainRequest(name=name))).domain
            revision = found.latest_ready_revision or found.latest_revision
        # Numbers above 2^53 are exact in the YAML of a pack, and not in its message.
        request = domain_pb2.ExportDomainRequest(name=name, revision=revision)
        data = b"".join([message.chunk async for message in peer.stream(stub.ExportDomain, request)])
        pack, hashed = await self._compute.run(read_with_digest, data, f"{name}.yaml", reads=len(data))
        self._kept.put((caller.company, name, revision, hashed), pack, len(data))
        return revision, pack
