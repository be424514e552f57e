"""The files of a dataset of records."""

import json
from typing import Any

from services.testdata.datasets.destination import safe_name
from services.testdata.records.formats import Format
from services.testdata.records.model import Beside

ENDINGS = {
    Format.PARQUET: "parquet",
    Format.JSONL: "jsonl",
    Format.JSON: "json",
    Format.CSV: "csv",
    Format.SQL: "sql",
    Format.ARROW_IPC: "arrows",
}
"""The formats that are written to files, and the extensions of the files."""


def part_file(entity: str, index: int, form: Format, *, labels: bool = False) -> str:
    """The name of a part's file for an entity. labels: of the file that says which records have which edge cases."""
    return f"{safe_name(entity)}-{index:05d}.{'edges.jsonl' if labels else ENDINGS[form]}"


def label_lines(beside: Beside) -> bytes:
    """Which records have which edge cases and scenarios: a JSON object a line."""
    lines: list[dict[str, Any]] = [
        {
            "field": one.field,
            "category": one.category,
            "edge_case": one.id,
            "text": one.text,
            "scenario": one.scenario,
            "records": one.records.tolist(),
        }
        for one in beside.edges
    ]
    lines += [{"scenario": name, "records": records.tolist()} for name, records in beside.scenarios]
    return b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in lines)
