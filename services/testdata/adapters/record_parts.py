"""Writes parts of datasets of records in worker processes."""

from services.testdata.adapters.record_part_files import RecordOrder, write_record_part
from services.testdata.record_datasets.messages import record_spec
from services.testdata.record_datasets.model import RecordDataset, RecordPart
from services.testdata.records.making import packed, packed_pack
from shared.compute import Compute
from shared.lru import LruCache
from shared.no_links import Place

_KEPT_BYTES = 16 << 20
"""The most bytes of packs that are kept for worker processes."""


class RecordParts:
    """Writes parts. The pack of a dataset is packed once, because to pack a large one takes tens of milliseconds."""

    def __init__(self, compute: Compute) -> None:
        self._compute = compute
        self._packed = LruCache[str, bytes](_KEPT_BYTES)

    async def make(self, dataset: RecordDataset, index: int, place: Place) -> RecordPart:
        """Write a part into a folder, and replace an earlier one. Raises OSError, WorkerCrashed."""
        spec = record_spec(dataset)
        pack = self._packed.get(dataset.pack_digest)
        if pack is None:
            pack = packed_pack(spec.pack)
            self._packed.put(dataset.pack_digest, pack, len(pack))
        order = RecordOrder(packed(spec, pack), dataset.spec.format, dataset.cells(index), index, place)
        return await self._compute.run(write_record_part, order)
