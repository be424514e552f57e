"""Reads stored campaigns from the synthesizer."""

from greenroom.synthesizer.v1 import campaign_pb2, campaign_pb2_grpc
from shared.auth import Caller
from shared.rpc.peers import Peers


class SynthesizerCampaigns:
    """The stored campaigns."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers

    async def revision(self, caller: Caller, name: str, number: int) -> tuple[int, bytes]:
        """Number and YAML of a revision, 0 for the newest. Raises what the synthesizer says, PeerUnavailable."""
        peer = self._peers.of("synthesizer", caller)
        request = campaign_pb2.GetCampaignRequest(name=name, revision=number)
        answer = await peer.unary(campaign_pb2_grpc.CampaignServiceStub(peer.channel).GetCampaign, request)
        return answer.revision.number, answer.revision.content
