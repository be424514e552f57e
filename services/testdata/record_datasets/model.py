"""What a dataset of records is made from, and what is stored of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from services.testdata.records.formats import Format
from services.testdata.records.model import Checked, Wanted
from shared.model.packs.model import Pack, Severity

MOST_GROUPS = 8
"""Row groups of the largest entity in a part, at most; other formats have as many records."""


@dataclass(frozen=True, slots=True)
class RecordDatasetRequest:
    """What a caller asks for.

    records: as JSON of the message, without the YAML of a pack. shard_count: 0 for as few as possible.
    destination: "" for a folder with the name of the dataset.
    """

    wanted: Wanted
    records: Mapping[str, Any]
    format: Format
    shard_count: int
    destination: str


@dataclass(frozen=True, slots=True)
class RecordDatasetSpec:
    """What a dataset is made from besides its pack, with every default filled in. records: as JSON of the message."""

    records: Mapping[str, Any]
    format: Format
    shard_count: int
    destination: str


@dataclass(frozen=True, slots=True)
class RecordDataset:
    """The body of a dataset's work.

    pack: None in lists. location: the absolute path of a folder, or an `s3://` address; unique. cell_count: cells in
    all parts. record_count: records of all entities. checks: how the rules fare in the parts that are written, as JSON;
    empty in lists. claimed: True once the location was found empty; files found there later are the dataset's own.
    parts_done, records_done, byte_count: of the parts that are written.
    """

    spec: RecordDatasetSpec
    pack: Pack | None
    pack_digest: str
    location: str
    cell_count: int
    part_count: int
    record_count: int
    parts_done: int = 0
    records_done: int = 0
    byte_count: int = 0
    checks: bytes = b"[]"
    claimed: bool = False

    def cells(self, index: int) -> range:
        """The cells of a part."""
        return range(self.cell_count * index // self.part_count, self.cell_count * (index + 1) // self.part_count)


def part_count(cells: int, cells_a_group: int, shards: int) -> int:
    """The number of parts. shards: how many are asked for."""
    return min(cells, max(shards, -(-cells // (MOST_GROUPS * cells_a_group))))


@dataclass(frozen=True, slots=True)
class RecordFile:
    """A file that is written. sha256: in hexadecimal. labels: see `part_file`; then record_count is 0."""

    file: str
    entity: str
    record_count: int
    byte_count: int
    sha256: str
    labels: bool = False


@dataclass(frozen=True, slots=True)
class RecordPart:
    """A part that is written. index: from 0. checks: how the rules fare in it."""

    index: int
    files: tuple[RecordFile, ...]
    checks: tuple[Checked, ...]

    @property
    def file_names(self) -> tuple[str, ...]:
        return tuple(one.file for one in self.files)


def pack_part(part: RecordPart) -> bytes:
    """The part as an event, without its checks."""
    files = [asdict(one) for one in part.files]
    return json.dumps({"index": part.index, "files": files}, ensure_ascii=False, separators=(",", ":")).encode()


def unpack_part(event: bytes) -> RecordPart:
    """The inverse of `pack_part`."""
    record = json.loads(event)
    return RecordPart(record["index"], tuple(RecordFile(**one) for one in record["files"]), ())


def pack_checks(checks: Sequence[Checked]) -> bytes:
    """How rules fare, as JSON."""
    return json.dumps([asdict(one) for one in checks], ensure_ascii=False, separators=(",", ":")).encode()


def unpack_checks(stored: bytes) -> list[Checked]:
    """The inverse of `pack_checks`."""
    return [
        Checked(**{**one, "severity": Severity(one["severity"]), "examples": tuple(one["examples"])})
        for one in json.loads(stored)
    ]
