"""What discovery reads, and what it finds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from shared.model.packs.model import Entity, Pack, Relationship, Rule


class Kind(StrEnum):
    """What the bytes of a file are."""

    SQL = "sql"
    OPENAPI = "openapi"
    JSON_SCHEMA = "json_schema"
    PROTOBUF = "protobuf"
    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


@dataclass(frozen=True, slots=True)
class Source:
    """A file that describes a business.

    kind: None: detect it. dialect: of SQL. entity: whose rows or schema it has; empty: from the name of the file.
    file: its name, for places.
    """

    data: bytes = field(repr=False)
    file: str
    kind: Kind | None = None
    dialect: str = ""
    entity: str = ""


@dataclass(frozen=True, slots=True)
class NotRead:
    """A construct that was not read. place: file, and line, path or column. reason: one sentence."""

    place: str
    construct: str
    reason: str


@dataclass(frozen=True, slots=True)
class Sample:
    """Sample rows of an entity. columns: as many values each; a missing value is None.

    typed: values have their types, as in JSON; otherwise all are texts, as in CSV.
    """

    entity: str
    columns: Mapping[str, Sequence[object]]
    place: str
    typed: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """What one file has."""

    entities: tuple[Entity, ...] = ()
    relationships: tuple[Relationship, ...] = ()
    rules: tuple[Rule, ...] = ()
    samples: tuple[Sample, ...] = ()
    not_read: tuple[NotRead, ...] = ()


@dataclass(frozen=True, slots=True)
class Discovery:
    """What all files have together. kinds: of the files, in their order."""

    pack: Pack
    not_read: tuple[NotRead, ...]
    kinds: tuple[Kind, ...]
