"""Writes parts of datasets of records in worker processes."""

from services.testdata.adapters.record_part_files import RecordOrder, write_record_part
from services.testdata.record_datasets.messages import record_spec
from services.testdata.record_datasets.model import RecordDataset, RecordPart
from services.testdata.records.making import packed, packed_pack
from shared.compute import Compute
from shared.no_links import Place


async def make_record_part(compute: Compute, dataset: RecordDataset, index: int, place: Place) -> RecordPart:
    """Write a part into a folder, and replace an earlier one. Raises OSError, WorkerCrashed."""
    spec = record_spec(dataset)
    source = packed(spec, packed_pack(spec.pack))
    order = RecordOrder(source, dataset.spec.format, dataset.cells(index), index, place)
    return await compute.run(write_record_part, order)
