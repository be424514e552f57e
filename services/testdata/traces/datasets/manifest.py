"""The manifest: all that a dataset's files are a function of, what they hold, and their checksums.

It has no time, no id and no place in it, so that a dataset's manifest is the same wherever it was written and however
often that was interrupted.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial

from services.testdata.traces.datasets.documents import parameters_json
from services.testdata.traces.datasets.model import Dataset, Part
from services.testdata.traces.digest import canonical_json
from services.testdata.traces.formats.columns import COLUMNS
from services.testdata.traces.workflow import Workflow

_json = partial(json.dumps, ensure_ascii=False)


def manifest(dataset: Dataset, workflow: Workflow, parts: Sequence[Part]) -> bytes:
    """The manifest as JSON in UTF-8: a line each for what all files have in common, and a line a file.

    workflow: the truth behind the calls. parts: all of them, in their order.
    """
    spec = dataset.spec
    record = {
        "algorithm": dataset.algorithm,
        "seed": spec.parameters.seed,
        "format": spec.format.lower(),
        "columns": COLUMNS,
        "workflow_digest": dataset.workflow_digest,
        "workflow": json.loads(canonical_json(workflow)),
        "parameters": parameters_json(spec.parameters),
        "first_session": spec.first,
        "session_count": spec.count,
        "call_count": sum(part.call_count for part in parts),
        "byte_count": sum(part.byte_count for part in parts),
    }
    lines = [f"  {_json(name)}: {_json(value)}" for name, value in record.items()]
    files = ",\n".join(f"    {_json(asdict(part))}" for part in parts)
    return "\n".join(["{", ",\n".join([*lines, f'  "files": [\n{files}\n  ]']), "}", ""]).encode()
