"""The kinds of files that describe a business: how each is told, and how it is read."""

import json
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from services.enricher.discovery.errors import SourceEmpty, SourceKindUnknown, SourceUnreadable
from services.enricher.discovery.json_schema import read_json_schema
from services.enricher.discovery.model import Found, Kind, Source
from services.enricher.discovery.openapi import read_openapi
from services.enricher.discovery.protobuf import read_protobuf
from services.enricher.discovery.samples.readers import read_csv, read_jsonl, read_parquet
from services.enricher.discovery.sql import read_sql
from shared.limits import Budget, TooManyBytes
from shared.words import any_of
from shared.yaml import BadYaml, load


@dataclass(frozen=True, slots=True)
class Reader:
    """How a kind is read. said: what it is, for errors. endings: of the names of its files."""

    said: str
    endings: tuple[str, ...]
    read: Callable[[Source], Found]


def _text(source: Source, said: str) -> str:
    try:
        return source.data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        why = f"byte {error.start + 1} is no UTF-8"
        raise SourceUnreadable(file=source.file, kind=said, why=why) from None


def _document(source: Source, said: str) -> Mapping[str, Any]:
    """The JSON or YAML object of a file."""
    text = _text(source, said)
    document: Any
    if text.lstrip().startswith(("{", "[")):
        try:
            document = json.loads(text, parse_constant=_refuse)
        except json.JSONDecodeError as error:
            why = f"line {error.lineno}, column {error.colno}: {error.msg}"
            raise SourceUnreadable(file=source.file, kind=said, why=why) from None
        except (RecursionError, ValueError) as error:
            why = "its parts are nested too deeply" if isinstance(error, RecursionError) else str(error)
            raise SourceUnreadable(file=source.file, kind=said, why=why) from None
    else:
        try:
            document = load(text, source.file)
        except BadYaml as bad:
            raise SourceUnreadable(file=source.file, kind=said, why=str(bad).rstrip(".")) from None
    if not isinstance(document, Mapping):
        raise SourceUnreadable(file=source.file, kind=said, why="it is no object")
    return document


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _openapi(source: Source) -> Found:
    document = _document(source, "OpenAPI")
    version = str(document.get("openapi") or document.get("swagger") or "")
    if not version.startswith("3."):
        why = f"it is version {version}; convert it to 3.0 first" if version else "it has no key `openapi`"
        raise SourceUnreadable(file=source.file, kind="OpenAPI", why=why)
    return read_openapi(source, document)


def _json_schema(source: Source) -> Found:
    return read_json_schema(source, _document(source, "JSON Schema"))


KINDS: dict[Kind, Reader] = {
    Kind.SQL: Reader("SQL", ("sql", "ddl"), lambda source: read_sql(source, _text(source, "SQL"))),
    Kind.OPENAPI: Reader("OpenAPI", (), _openapi),
    Kind.JSON_SCHEMA: Reader("JSON Schema", (), _json_schema),
    Kind.PROTOBUF: Reader("a FileDescriptorSet", ("binpb", "pb", "protoset", "desc"), read_protobuf),
    Kind.CSV: Reader("CSV", ("csv", "tsv"), lambda source: read_csv(source, _text(source, "CSV"))),
    Kind.JSONL: Reader("JSONL", ("jsonl", "ndjson"), lambda source: read_jsonl(source, _text(source, "JSONL"))),
    Kind.PARQUET: Reader("Parquet", ("parquet",), read_parquet),
}
"""Adding a kind is a function and a line here."""

_SQL = re.compile(rb"\s*(?:(?:create|insert|alter|drop|set|begin|copy|use|pragma)\b|/\*|--)", re.IGNORECASE)
_SCHEMA_KEYS = frozenset({"$schema", "properties", "$defs", "definitions", "$ref", "allOf", "items"})


def unpacked(source: Source) -> bytes:
    """The bytes of a file, which may be packed with gzip. Raises SourceEmpty, SourceUnreadable."""
    data = source.data
    if data[:2] == b"\x1f\x8b":
        budget, parts, unzip = Budget(len(data)), [], zlib.decompressobj(wbits=31)
        try:
            while data and not unzip.eof:
                parts.append(unzip.decompress(data, 1 << 20))
                budget.spend(len(parts[-1]))
                data = unzip.unconsumed_tail
        except zlib.error:
            raise SourceUnreadable(file=source.file, kind="gzip", why="it is damaged") from None
        except TooManyBytes:
            why = f"it unpacks to more than {budget.most:,} bytes"
            raise SourceUnreadable(file=source.file, kind="gzip", why=why) from None
        if not unzip.eof:
            raise SourceUnreadable(file=source.file, kind="gzip", why="it ends too early")
        data = b"".join(parts)
    if not data.strip():
        raise SourceEmpty(file=source.file)
    return data


def detected(source: Source) -> Kind:
    """What a file is, by its name and its first bytes. Raises SourceKindUnknown, SourceUnreadable."""
    ending = PurePath(source.file.removesuffix(".gz")).suffix.lower().removeprefix(".")
    if source.data[:4] == b"PAR1":
        return Kind.PARQUET
    for kind, reader in KINDS.items():
        if ending in reader.endings:
            return kind
    if ending == "proto":
        why = (
            "it is the source; compile it with `protoc --include_imports --include_source_info --descriptor_set_out=…`"
        )
        raise SourceUnreadable(file=source.file, kind="a FileDescriptorSet", why=why)
    head = source.data[: 1 << 16]
    if ending in ("json", "yaml", "yml") or head.lstrip()[:1] == b"{":
        if ending == "" and head.count(b"\n{") > 1:
            return Kind.JSONL
        document = _document(source, "JSON or YAML")
        if {"openapi", "swagger"} & set(document):
            return Kind.OPENAPI
        if _SCHEMA_KEYS & set(document):
            return Kind.JSON_SCHEMA
    elif _SQL.match(head):
        return Kind.SQL
    raise SourceKindUnknown(file=source.file, kinds=any_of(kind.value for kind in KINDS))
