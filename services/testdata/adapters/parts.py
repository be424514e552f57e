"""Lets parts be written by other processes."""

import os
from pathlib import Path

from services.testdata.adapters.part_files import PartOrder, write_part
from services.testdata.traces.datasets.model import Dataset, Part
from services.testdata.traces.datasets.parts import part_file, part_sessions
from shared.compute import Compute


async def make_part(compute: Compute, dataset: Dataset, index: int, folder: Path) -> Part:
    """Write a part into a folder, in the place of one that is there. Raises OSError, WorkerCrashed."""
    assert dataset.workflow is not None
    spec, file = dataset.spec, part_file(index, dataset.spec.format)
    first, count = part_sessions(spec, index)
    about = {
        "greenroom.algorithm": dataset.algorithm,
        "greenroom.workflow_digest": dataset.workflow_digest,
        "greenroom.seed": str(spec.parameters.seed),
    }
    order = PartOrder(
        dataset.workflow, spec.parameters, spec.format, first, count, about, str(folder / file), os.getpid()
    )
    written = await compute.run(write_part, order)
    return Part(index, file, count, written.call_count, written.byte_count, written.sha256)
