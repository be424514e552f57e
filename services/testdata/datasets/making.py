"""How datasets of traces are made."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from services.testdata.datasets.manifest import manifest
from services.testdata.datasets.model import Dataset, Part, pack_part, unpack_part
from services.testdata.datasets.parts import part_file
from shared.no_links import Place


class TraceMaking:
    """See `Making`. write: writes a part of a dataset into a folder."""

    def __init__(self, write: Callable[[Dataset, int, Place], Awaitable[Part]]) -> None:
        self._write = write

    async def write(self, dataset: Dataset, index: int, place: Place) -> Part:
        return await self._write(dataset, index, place)

    def needed(self, dataset: Dataset) -> int:
        missing = dataset.spec.count - dataset.sessions_done
        return dataset.byte_count * missing // dataset.sessions_done if dataset.sessions_done else 0

    def file(self, dataset: Dataset) -> str:
        return part_file(dataset.parts_done, dataset.spec.format)

    def pack(self, part: Part) -> bytes:
        return pack_part(part)

    def count(self, dataset: Dataset, part: Part) -> dict[str, Any]:
        return {
            "sessions_done": dataset.sessions_done + part.session_count,
            "call_count": dataset.call_count + part.call_count,
            "byte_count": dataset.byte_count + part.byte_count,
        }

    def manifest(self, dataset: Dataset, events: Sequence[bytes]) -> bytes:
        return manifest(dataset, [unpack_part(event) for event in events])
