"""Sources: real, finished conversations that synthetic ones start from."""

from collections.abc import AsyncIterator
from pathlib import Path

from greenroom.client._calls import Calls, new_request_id
from greenroom.client._files import upload
from greenroom.synthesizer.v1 import source_pb2 as pb
from greenroom.synthesizer.v1.import_pb2 import ImportHeader, ImportSummary
from greenroom.synthesizer.v1.source_pb2_grpc import SourceServiceStub
from greenroom.type.v1.event_pb2 import Event, Resource


class Sources:
    """The calls of SourceService. Names are `sources/{source}`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = SourceServiceStub(calls.channel)

    async def import_file(
        self,
        path: str | Path,
        *,
        format: str = "greenroom",  # noqa: A002
        request_id: str | None = None,
    ) -> ImportSummary:
        """Import sources from a file, decompressed if it ends in `.gz`; bad lines are in the summary."""
        header = ImportHeader(format=format, file=Path(path).name, request_id=request_id or new_request_id())
        response = await upload(self._calls, self._stub.ImportSources, pb.ImportSourcesRequest, Path(path), header)
        return response.summary

    async def get(self, name: str) -> pb.Source:
        """One source without its events."""
        return (await self._calls.unary(self._stub.GetSource, pb.GetSourceRequest(name=name))).source

    def list(self, filter: pb.SourceFilter | None = None) -> AsyncIterator[pb.Source]:  # noqa: A002
        """The sources, oldest first."""
        return self._calls.pages(
            self._stub.ListSources, pb.ListSourcesRequest(filter=filter), lambda page: page.sources
        )

    def events(self, source: str) -> AsyncIterator[Event]:
        """A source's events in order."""
        return self._calls.pages(
            self._stub.ListSourceEvents, pb.ListSourceEventsRequest(source=source), lambda page: page.events
        )

    async def resources(self, source: str) -> "tuple[Resource, ...]":
        """A source's resources."""
        request = pb.ListSourceEventsRequest(source=source, page_size=1)
        return tuple((await self._calls.unary(self._stub.ListSourceEvents, request)).resources)

    async def delete(self, name: str) -> None:
        """Delete a source that nothing refers to, for good."""
        await self._calls.unary(self._stub.DeleteSource, pb.DeleteSourceRequest(name=name), again=False)
