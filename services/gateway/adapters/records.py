"""The records of a rehearsal: made by test data, and stored as a resource set of the synthesizer."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress

from greenroom.enricher.v1.domain_pb2 import GetDomainRequest
from greenroom.enricher.v1.domain_pb2_grpc import DomainServiceStub
from greenroom.synthesizer.v1 import resource_set_pb2
from greenroom.synthesizer.v1.resource_set_pb2_grpc import ResourceSetServiceStub
from greenroom.testdata.v1 import record_pb2
from greenroom.testdata.v1.record_pb2_grpc import RecordServiceStub
from greenroom.type.v1.domain_pb2 import DomainPack
from services.gateway.rehearsals import messages as convert
from services.gateway.rehearsals.errors import RecordsTooLarge
from services.gateway.rehearsals.records import resource_lines
from shared.auth import Caller
from shared.errors import AlreadyExists, FailedPrecondition, NotFound
from shared.limits import MAX_RESOURCE_SET, MIB
from shared.rpc.peers import Peers

ENRICHER, SYNTHESIZER, TESTDATA = "enricher", "synthesizer", "testdata"


class RemoteRecords:
    """Records of rehearsals at their services."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers

    async def settled(self, who: Caller, spec: bytes) -> bytes:
        """The spec with the revision of the domain, and with the entities. Raises RehearsalInvalid, and NotFound."""
        wanted = convert.records_of(spec)
        return convert.settled(spec, *await self._pack(who, wanted.domain, wanted.revision))

    async def samples(self, who: Caller, spec: bytes) -> Sequence[bytes]:
        """The first record of each entity, as lines of a resource set. Raises what test data refuses of the spec."""
        request = record_pb2.StreamRecordsRequest(
            spec=convert.record_spec(spec), format=record_pb2.RECORD_FORMAT_JSONL, range=record_pb2.RecordRange(count=1)
        )
        return await self._lines(who, spec, request)

    async def store(self, who: Caller, spec: bytes, key: str) -> str:
        """Make all records and store them; returns the name of the resource set. It may be repeated.

        key: the id of the set.
        """
        request = record_pb2.StreamRecordsRequest(spec=convert.record_spec(spec), format=record_pb2.RECORD_FORMAT_JSONL)
        lines = await self._lines(who, spec, request)
        header = resource_set_pb2.ResourceSetHeader(resource_set_id=key, format="greenroom", file=f"{key}.jsonl")

        async def requests() -> AsyncIterator[resource_set_pb2.ImportResourceSetRequest]:
            yield resource_set_pb2.ImportResourceSetRequest(header=header)
            for chunk in lines:
                for start in range(0, len(chunk), MIB):
                    yield resource_set_pb2.ImportResourceSetRequest(chunk=chunk[start : start + MIB])

        peer = self._peers.of(SYNTHESIZER, who)
        # A set of this rehearsal that has other content was made by another release of Greenroom; it will do.
        with suppress(AlreadyExists):
            await peer.upload(ResourceSetServiceStub(peer.channel).ImportResourceSet, requests())
        return f"resources/{key}"

    async def delete(self, who: Caller, resources: str) -> None:
        """Delete a resource set, unless it is gone or others use it."""
        peer = self._peers.of(SYNTHESIZER, who)
        request = resource_set_pb2.DeleteResourceSetRequest(name=resources)
        with suppress(NotFound, FailedPrecondition):
            await peer.unary(ResourceSetServiceStub(peer.channel).DeleteResourceSet, request)

    async def _lines(self, who: Caller, spec: bytes, request: record_pb2.StreamRecordsRequest) -> list[bytes]:
        """The records of a stream as lines of a resource set, in chunks. Raises RecordsTooLarge."""
        wanted = convert.records_of(spec)
        _, pack = await self._pack(who, wanted.domain, wanted.revision)
        keys = {entity.name: tuple(entity.key) for entity in pack.entities}
        peer = self._peers.of(TESTDATA, who)
        size, chunks, first = 0, list[bytes](), dict[str, int]()
        async for message in peer.stream(RecordServiceStub(peer.channel).StreamRecords, request):
            number = first.get(message.entity, 0)
            first[message.entity] = number + message.record_count
            chunk = await _in_thread(message, keys, number)
            size += len(chunk)
            if size > MAX_RESOURCE_SET:
                raise RecordsTooLarge(most=MAX_RESOURCE_SET // MIB)
            chunks.append(chunk)
        return chunks

    async def _pack(self, who: Caller, domain: str, revision: int) -> tuple[int, DomainPack]:
        peer = self._peers.of(ENRICHER, who)
        stub = DomainServiceStub(peer.channel)
        found = await peer.unary(stub.GetDomain, GetDomainRequest(name=domain, revision=revision))
        ready = found.domain.latest_ready_revision
        if not revision and ready and ready != found.revision.number:
            found = await peer.unary(stub.GetDomain, GetDomainRequest(name=domain, revision=ready))
        return found.revision.number, found.revision.pack


async def _in_thread(
    message: record_pb2.StreamRecordsResponse, keys: Mapping[str, Sequence[str]], before: int
) -> bytes:
    # A chunk of 1 MiB takes some 20 ms, for which other calls should not wait.
    return await asyncio.to_thread(resource_lines, message.entity, message.data, keys.get(message.entity, ()), before)
