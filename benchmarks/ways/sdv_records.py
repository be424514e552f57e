"""SDV: orders with their items, payments and addresses, by its synthesizer for several tables.

It learns from a sample that Greenroom has made. It holds the references, and none of the rules.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd  # type: ignore[import-untyped,unused-ignore]
from sdv.metadata import Metadata  # type: ignore[import-not-found,unused-ignore]
from sdv.multi_table import HMASynthesizer  # type: ignore[import-not-found,unused-ignore]

from benchmarks.contestant import Work

_CHILDREN = ("address", "item", "payment")
_CATEGORIES = ("status", "country", "method", "city", "kind")


def tables(given: Mapping[str, Any]) -> Work:
    """Sample all tables in memory. Unit: a record of any table. given: folder, with a Parquet file of each table."""
    data = {path.stem: pd.read_parquet(path) for path in Path(given["folder"]).glob("*.parquet")}
    for name, frame in data.items():
        # Texts are read as categories, of which some have no row.
        data[name] = frame.astype(dict.fromkeys(frame.select_dtypes("category"), "object"))
    metadata = Metadata.detect_from_dataframes(data, infer_keys=None)
    for name, frame in data.items():
        for column in frame.columns.intersection(_CATEGORIES):
            metadata.update_column(column, name, sdtype="categorical")
        metadata.update_column("id", name, sdtype="id")
        metadata.set_primary_key("id", name)
    for child in _CHILDREN:
        metadata.update_column("order_id", child, sdtype="id")
        metadata.add_relationship("order", child, "id", "order_id")
    synthesizer = HMASynthesizer(metadata, verbose=False)
    synthesizer.fit(data)

    def work(_: int) -> int:
        return sum(map(len, synthesizer.sample_scale(scale=1).values()))

    return work
