"""Writes parts in worker processes."""

from services.testdata.adapters.part_files import PartOrder, write_part
from services.testdata.datasets.model import Dataset, Part
from services.testdata.datasets.parts import part_file, part_sessions
from shared.compute import Compute
from shared.no_links import Place


async def make_part(compute: Compute, dataset: Dataset, index: int, place: Place) -> Part:
    """Write a part into a folder, and replace an earlier one. Raises OSError, WorkerCrashed."""
    assert dataset.workflow is not None
    spec, file = dataset.spec, part_file(index, dataset.spec.format)
    first, count = part_sessions(spec, index)
    about = {
        "greenroom.algorithm": dataset.algorithm,
        "greenroom.workflow_digest": dataset.workflow_digest,
        "greenroom.seed": str(spec.parameters.seed),
    }
    order = PartOrder(dataset.workflow, spec.parameters, spec.format, first, count, about, place, file)
    written = await compute.run(write_part, order)
    return Part(index, file, count, written.call_count, written.byte_count, written.sha256)
