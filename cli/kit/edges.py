"""The edge cases of records: said in words, and as lines of a file beside that of the records."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from greenroom.testdata.v1.record_pb2 import RecordEdge, ScenarioRecords
from greenroom.type.v1.domain_pb2 import EdgeCase
from shared.words import counted


def beside(output: Path) -> Path:
    """The file of the edge cases of records in a file: `carts.edges.jsonl` for `carts.csv`."""
    return output.with_name(f"{output.stem}.edges.jsonl")


@dataclass
class Edges:
    """The edge cases of one entity's records that came until now. kinds: fields and ids of cases."""

    records: int = 0
    kinds: set[tuple[str, str]] = field(default_factory=set)
    scenarios: dict[str, int] = field(default_factory=dict)

    def lines(self, edges: Iterable[RecordEdge], scenarios: Iterable[ScenarioRecords]) -> bytes:
        """Count them; returns a line for each record that has an edge case or a scenario of its own."""
        found: dict[int, dict[str, Any]] = {}
        for one in scenarios:
            self.scenarios[one.scenario] = self.scenarios.get(one.scenario, 0) + len(one.records)
            found |= {record: {"record": record, "scenario": one.scenario, "edges": []} for record in one.records}
        having: set[int] = set()
        for edge in edges:
            self.kinds.add((edge.field, edge.edge_case))
            having.update(edge.records)
            category = EdgeCase.Category.Name(edge.category).removeprefix("CATEGORY_").lower()
            told = {"field": edge.field, "category": category, "edge_case": edge.edge_case, "text": edge.text}
            for record in edge.records:
                line = found.setdefault(record, {"record": record, "scenario": edge.scenario, "edges": []})
                line["edges"].append(told)
        self.records += len(having)
        return b"".join(f"{json.dumps(found[record], ensure_ascii=False)}\n".encode() for record in sorted(found))

    @property
    def words(self) -> str:
        """How many there are, such as `edge cases in 20 records, 11 different`; empty if there are none."""
        return f"edge cases in {counted(self.records, 'record')}, {len(self.kinds):,} different" if self.records else ""

    @property
    def scenario_words(self) -> str:
        """How many records of each scenario there are."""
        return ", ".join(f"{count:,} {name}" for name, count in self.scenarios.items())


def append_lines(path: Path, lines: bytes, *, resumed: bool) -> None:
    """Add lines to a file. resumed: the file may have some of them already, from before an interruption."""
    if resumed and lines and path.exists():
        first = json.loads(lines.partition(b"\n")[0])["record"]
        kept = [line for line in path.read_bytes().splitlines(keepends=True) if _number(line) < first]
        path.write_bytes(b"".join(kept))
    with path.open("ab") as file:
        file.write(lines)


def _number(line: bytes) -> float:
    """The number of a line's record. A line that was cut is to be written again, so it counts as a late one."""
    try:
        number: float = json.loads(line)["record"]
    except ValueError:
        return float("inf")
    return number
