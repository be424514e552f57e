"""Files of sample rows."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from google.protobuf.json_format import MessageToDict
from pyarrow import parquet

from cli.kit.run import Failed
from cli.kit.samples import read_samples


def test_csv_jsonl_and_parquet_have_the_same_rows(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"name": "é", "paid": True, "day": "2026-01-31"},
        {"name": "b", "paid": None, "day": "2026-02-01"},
    ]
    files = {name: tmp_path / f"rows.{name}" for name in ("csv", "jsonl", "parquet")}
    files["csv"].write_text("\ufeffname,paid,day\né,true,2026-01-31\nb,,2026-02-01\n", encoding="utf-8")
    files["jsonl"].write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    days = [date.fromisoformat(str(row["day"])) for row in rows]
    parquet.write_table(pyarrow.table({"name": ["é", "b"], "paid": [True, None], "day": days}), files["parquet"])

    read = {name: [MessageToDict(row) for row in read_samples(path)] for name, path in files.items()}
    assert read["jsonl"] == read["parquet"] == rows
    assert read["csv"] == [{**rows[0], "paid": "true"}, {**rows[1], "paid": ""}]


def test_many_rows_are_thinned_and_files_without_rows_are_refused(tmp_path: Path) -> None:
    many = tmp_path / "many.csv"
    many.write_text("number\n" + "\n".join(map(str, range(25_000))))
    thinned = [row["number"] for row in read_samples(many)]
    assert (len(thinned), thinned[:3]) == (8_334, ["0", "3", "6"])

    for name, content in (("empty.csv", "number\n"), ("wrong.jsonl", "[1]\n"), ("rows.txt", "number\n1\n")):
        (tmp_path / name).write_text(content)
        with pytest.raises(Failed):
            read_samples(tmp_path / name)
    with pytest.raises(Failed, match="cannot be read"):
        read_samples(tmp_path / "missing.csv")
