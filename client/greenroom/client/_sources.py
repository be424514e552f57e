"""Sources: real, finished conversations that synthetic ones start from."""

from collections.abc import AsyncGenerator, Sequence
from datetime import timedelta
from pathlib import Path

from google.protobuf.duration_pb2 import Duration

from greenroom.client._calls import Calls, new_request_id
from greenroom.client._files import upload
from greenroom.client._listing import Listing
from greenroom.synthesizer.v1 import source_pb2 as pb
from greenroom.synthesizer.v1.import_pb2 import ImportHeader, ImportSummary, Redaction, TableMapping
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
        format: str = "",  # noqa: A002
        labels: Sequence[str] = (),
        table: TableMapping | None = None,
        finished_after: timedelta | None = None,
        redaction: Redaction | None = None,
        request_id: str | None = None,
    ) -> ImportSummary:
        """Import sources from a file, decompressed if it ends in `.gz`; bad lines are in the summary.

        format: detected if empty. labels: for each of them, also for those that were imported before.
        table: the columns of the format `table`; None if all have their usual names.
        finished_after: how long after its newest message a conversation without an explicit end is finished; 30 minutes
            if None.
        redaction: which personal data is replaced by pseudonyms; what the server does by default if None.
        """
        header = ImportHeader(
            format=format,
            labels=labels,
            table=table,
            finished_after=_duration(finished_after),
            redaction=redaction,
            request_id=request_id or new_request_id(),
        )
        return (await self._import(path, header)).summary

    async def preview_file(
        self,
        path: str | Path,
        *,
        format: str = "",  # noqa: A002
        table: TableMapping | None = None,
        finished_after: timedelta | None = None,
        redaction: Redaction | None = None,
    ) -> pb.ImportSourcesResponse:
        """Import nothing: count what would be imported, and return two sources as they would be read."""
        after = _duration(finished_after)
        header = ImportHeader(format=format, table=table, finished_after=after, redaction=redaction, dry_run=True)
        return await self._import(path, header)

    async def _import(self, path: str | Path, header: ImportHeader) -> pb.ImportSourcesResponse:
        header.file = Path(path).name
        return await upload(self._calls, self._stub.ImportSources, pb.ImportSourcesRequest, Path(path), header)

    async def get(self, name: str) -> pb.Source:
        """One source without its events."""
        return (await self._calls.unary(self._stub.GetSource, pb.GetSourceRequest(name=name))).source

    def list(self, filter: pb.SourceFilter | None = None, *, short_id: str = "") -> Listing[pb.Source]:  # noqa: A002
        """The sources, newest first. short_id: only those whose id begins or ends with it."""
        return self._calls.listing(
            self._stub.ListSources, pb.ListSourcesRequest(filter=filter, short_id=short_id), lambda page: page.sources
        )

    def events(self, source: str) -> Listing[Event]:
        """A source's events in order."""
        return self._calls.listing(
            self._stub.ListSourceEvents, pb.ListSourceEventsRequest(source=source), lambda page: page.events
        )

    async def resources(self, source: str) -> "tuple[Resource, ...]":
        """A source's resources."""
        request = pb.ListSourceEventsRequest(source=source, page_size=1)
        return tuple((await self._calls.unary(self._stub.ListSourceEvents, request)).resources)

    def export(
        self,
        filter: pb.SourceFilter | None = None,  # noqa: A002
        *,
        cursor: str = "",
    ) -> AsyncGenerator[pb.ExportSourcesResponse, None]:
        """The sources as JSONL that can be imported, in chunks, each with the cursor that continues after it."""
        return self._calls.resumed(self._stub.ExportSources, pb.ExportSourcesRequest(filter=filter, cursor=cursor))

    async def delete(self, name: str) -> None:
        """Delete a source that nothing refers to, for good."""
        await self._calls.unary(self._stub.DeleteSource, pb.DeleteSourceRequest(name=name), again=False)


def _duration(time: timedelta | None) -> Duration | None:
    if time is None:
        return None
    message = Duration()
    message.FromTimedelta(time)
    return message
