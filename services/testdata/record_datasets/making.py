"""How datasets of records are made."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from services.testdata.record_datasets.model import (
    RecordDataset,
    RecordPart,
    pack_checks,
    pack_part,
    unpack_checks,
    unpack_part,
)
from services.testdata.records.model import together
from shared.model.packs.writing import document
from shared.no_links import Place

_json = partial(json.dumps, ensure_ascii=False)


class RecordMaking:
    """See `Making`. write: writes a part of a dataset into a folder."""

    def __init__(self, write: Callable[[RecordDataset, int, Place], Awaitable[RecordPart]]) -> None:
        self._write = write

    async def write(self, dataset: RecordDataset, index: int, place: Place) -> RecordPart:
        return await self._write(dataset, index, place)

    def needed(self, dataset: RecordDataset) -> int:
        missing = dataset.record_count - dataset.records_done
        return dataset.byte_count * missing // dataset.records_done if dataset.records_done else 0

    def file(self, dataset: RecordDataset) -> str:
        return f"Part {dataset.parts_done}"

    def pack(self, part: RecordPart) -> bytes:
        return pack_part(part)

    def count(self, dataset: RecordDataset, part: RecordPart) -> dict[str, Any]:
        return {
            "records_done": dataset.records_done + sum(one.record_count for one in part.files),
            "byte_count": dataset.byte_count + sum(one.byte_count for one in part.files),
            "checks": pack_checks(together(unpack_checks(dataset.checks), list(part.checks))),
        }

    def manifest(self, dataset: RecordDataset, events: Sequence[bytes]) -> bytes:
        """What determines the files, except sample rows, what they hold, and their checksums.

        It has no time, id or location, as that of a dataset of traces. One line for each field, rule and file.
        """
        assert dataset.pack is not None
        files = [asdict(one) for event in events for one in unpack_part(event).files]
        record = {
            "format": dataset.spec.format.lower(),
            # Sample rows are somebody's data, and files are passed on.
            "records": {name: value for name, value in dataset.spec.records.items() if name != "samples"},
            "pack_digest": dataset.pack_digest,
            "pack": document(dataset.pack),
            "part_count": dataset.part_count,
            "record_count": dataset.record_count,
            "byte_count": dataset.byte_count,
        }
        lines = [f"  {_json(name)}: {_json(value)}" for name, value in record.items()]
        for name, items in (("checks", json.loads(dataset.checks)), ("files", files)):
            inner = ",\n".join(f"    {_json(one)}" for one in items)
            lines.append(f"  {_json(name)}: [\n{inner}\n  ]" if items else f"  {_json(name)}: []")
        return "\n".join(["{", ",\n".join(lines), "}", ""]).encode()
