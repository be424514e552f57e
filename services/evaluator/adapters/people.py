"""Asks the synthesizer which sources a batch starts from."""

import asyncio
from collections.abc import Mapping
from typing import Any

from greenroom.synthesizer.v1 import batch_pb2, batch_pb2_grpc, source_pb2, source_pb2_grpc
from shared.auth import Caller
from shared.rpc.peers import Peers
from shared.rpc.values import message_json

_MOST = 1000
"""The most external ids of a filter."""
_CALLS = 16
"""How many calls run at once."""


class SynthesizerPeople:
    """The people of batches, read from the synthesizer."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers

    async def of_batch(self, caller: Caller, name: str) -> Mapping[str, Any] | None:
        """The filter of the batch's sources in proto JSON.

        None if the batch has none, has too many by name, or plays an earlier batch again. Raises PeerUnavailable, and
        what the synthesizer says.
        """
        peer = self._peers.of("synthesizer", caller)
        batches = batch_pb2_grpc.BatchServiceStub(peer.channel)
        spec = (await peer.unary(batches.GetBatch, batch_pb2.GetBatchRequest(name=name))).batch.spec
        if spec.HasField("source_filter"):
            found: Mapping[str, Any] = message_json(spec.source_filter)
            return found
        if not 0 < len(spec.sources) <= _MOST:
            return None
        sources, slots = source_pb2_grpc.SourceServiceStub(peer.channel), asyncio.Semaphore(_CALLS)

        async def external_id(source: str) -> str:
            async with slots:
                answer = await peer.unary(sources.GetSource, source_pb2.GetSourceRequest(name=source))
            return answer.source.external_id

        return {"external_ids": list(await asyncio.gather(*map(external_id, spec.sources)))}
