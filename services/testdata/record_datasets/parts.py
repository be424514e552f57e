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
    """A JSON object a line for each record that has an edge case or a scenario of its own."""
    found: dict[int, dict[str, Any]] = {}
    for scenario, records in beside.scenarios:
        found |= {record: {"record": record, "scenario": scenario, "edges": []} for record in records.tolist()}
    for edge in beside.edges:
        told = {"field": edge.field, "category": edge.category, "edge_case": edge.id, "text": edge.text}
        for record in edge.records.tolist():
            line = found.setdefault(record, {"record": record, "scenario": edge.scenario, "edges": []})
            line["edges"].append(told)
    return b"".join(f"{json.dumps(found[record], ensure_ascii=False)}\n".encode() for record in sorted(found))
