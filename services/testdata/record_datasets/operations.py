"""What callers do with datasets of records."""

from services.testdata.datasets.errors import DestinationTaken
from services.testdata.datasets.outputs import Outputs
from services.testdata.record_datasets.model import (
    RecordDataset,
    RecordDatasetRequest,
    RecordDatasetSpec,
    part_count,
)
from services.testdata.record_datasets.parts import ENDINGS
from services.testdata.record_datasets.store import RecordDatasetStore
from services.testdata.records.errors import FormatNotInFiles
from services.testdata.records.operations import Records
from shared.auth import Caller
from shared.model.packs.writing import digest
from shared.requests import RequestKey
from shared.work.model import Work
from shared.work.operations import WorkOperations


class RecordDatasets:
    """Starts datasets. works: cancels, retries and deletes them; the files stay where they are."""

    def __init__(
        self, works: WorkOperations[RecordDataset], store: RecordDatasetStore, records: Records, outputs: Outputs
    ) -> None:
        self.works = works
        self._store = store
        self._records = records
        self._outputs = outputs

    async def start(self, request: RecordDatasetRequest, caller: Caller, key: RequestKey | None) -> Work[RecordDataset]:
        """Start to write a dataset.

        Raises FormatNotInFiles, DestinationInvalid, DestinationNotEmpty, DestinationTaken, RequestIdReused,
        ResultDeleted, and what `resolve` and `outline` of Records raise.
        """

        async def make(own: str) -> RecordDataset:
            if request.format not in ENDINGS:
                raise FormatNotInFiles
            destination = request.destination or f"record_datasets/{own}"
            location = self._outputs.locate(destination, caller.company, "spec.destination")
            records = await self._records.resolve(caller, request.wanted)
            found = await self._records.outline(records, 0)
            # Check this first, so that the error does not depend on whether that dataset has written a file yet.
            if await self._store.has(location):
                raise DestinationTaken(destination=destination)
            await self._outputs.check(location)
            parts = part_count(found.cells, found.group, request.shard_count)
            return RecordDataset(
                RecordDatasetSpec(request.records, request.format, parts, destination),
                records.pack,
                digest(records.pack),
                location,
                found.cells,
                parts,
                sum(count for _, count in found.entities),
            )

        return await self.works.start(caller, key, make)
