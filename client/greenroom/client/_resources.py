"""Resource sets: named sets of resources that the tools of many conversations read and change."""

from pathlib import Path

from greenroom.client._calls import Calls
from greenroom.client._files import upload
from greenroom.client._listing import Listing
from greenroom.synthesizer.v1 import resource_set_pb2 as pb
from greenroom.synthesizer.v1.resource_set_pb2_grpc import ResourceSetServiceStub


class Resources:
    """The calls of ResourceSetService. Names are `resources/{resource_set}`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = ResourceSetServiceStub(calls.channel)

    async def import_file(self, path: str | Path, set_id: str, *, file_format: str = "greenroom") -> pb.ResourceSet:
        """Import a set from a file, decompressed if it ends in `.gz`: whole, or not at all.

        set_id: the part of its name after the slash, such as `retail`.
        """
        header = pb.ResourceSetHeader(resource_set_id=set_id, format=file_format, file=Path(path).name)
        method, message = self._stub.ImportResourceSet, pb.ImportResourceSetRequest
        return (await upload(self._calls, method, message, Path(path), header)).resource_set

    async def get(self, name: str) -> pb.ResourceSet:
        """One set, without its resources."""
        return (await self._calls.unary(self._stub.GetResourceSet, pb.GetResourceSetRequest(name=name))).resource_set

    def list(self, *, short_id: str = "") -> Listing[pb.ResourceSet]:
        """The sets, newest first. short_id: only those whose id begins or ends with it."""
        request = pb.ListResourceSetsRequest(short_id=short_id)
        return self._calls.listing(self._stub.ListResourceSets, request, lambda page: page.resource_sets)

    async def delete(self, name: str) -> None:
        """Delete a set that no batch or conversation uses."""
        await self._calls.unary(self._stub.DeleteResourceSet, pb.DeleteResourceSetRequest(name=name), again=False)
