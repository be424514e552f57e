"""The manifest: everything that determines a dataset's files, what they hold, and their checksums.

It has no time, id or location, so that the manifest is the same wherever the dataset is written and however often the
writing is interrupted.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial

from services.testdata.datasets.model import Dataset, Part, parameters_json
from services.testdata.traces.digest import canonical_json
from services.testdata.traces.schema import NAMES

_json = partial(json.dumps, ensure_ascii=False)


def manifest(dataset: Dataset, parts: Sequence[Part]) -> bytes:
    """The manifest as JSON in UTF-8, with one line for each field that all files share and one line for each file.

    parts: all parts, in order.
    """
    assert dataset.workflow is not None
    spec = dataset.spec
    record = {
        "algorithm": dataset.algorithm,
        "seed": spec.parameters.seed,
        "format": spec.format.lower(),
        "columns": NAMES,
        "workflow_digest": dataset.workflow_digest,
        "workflow": json.loads(canonical_json(dataset.workflow)),
        "parameters": parameters_json(spec.parameters),
        "first_session": spec.first,
        "session_count": spec.count,
        "call_count": sum(part.call_count for part in parts),
        "byte_count": sum(part.byte_count for part in parts),
    }
    lines = [f"  {_json(name)}: {_json(value)}" for name, value in record.items()]
    files = ",\n".join(f"    {_json(asdict(part))}" for part in parts)
    return "\n".join(["{", ",\n".join([*lines, f'  "files": [\n{files}\n  ]']), "}", ""]).encode()
