"""SDMetrics: how like each other columns, pairs of columns and numbers of children are, in two sets of rows.

Standard input has the measurements as JSON, and standard output gets their results, null where one is not defined.
"""

import json
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas  # type: ignore[import-untyped]
from sdmetrics.column_pairs import ContingencySimilarity, CorrelationSimilarity  # type: ignore[import-not-found]
from sdmetrics.multi_table import CardinalityShapeSimilarity  # type: ignore[import-not-found]
from sdmetrics.single_column import KSComplement, TVComplement  # type: ignore[import-not-found]


def main() -> None:
    """Measure what standard input asks for."""
    asked = json.load(sys.stdin)
    numbers = asked["numbers"]
    real, made = ({name: _frame(table, numbers) for name, table in side.items()} for side in asked["tables"])
    json.dump([_measured(one, real, made, numbers) for one in asked["measurements"]], sys.stdout)


def _frame(table: Mapping[str, list[Any]], numbers: list[str]) -> Any:
    return pandas.DataFrame(
        {name: pandas.Series(values, dtype=float if name in numbers else object) for name, values in table.items()}
    )


def _measured(one: Mapping[str, Any], real: Any, made: Any, numbers: list[str]) -> float | None:
    names = one["columns"]
    try:
        if one["part"] == "cardinality":
            keys = ("parent_table_name", "parent_primary_key", "child_table_name", "child_foreign_key")
            told = {"relationships": [dict(zip(keys, names, strict=True))]}
            found = CardinalityShapeSimilarity.compute(real, made, told)
        elif one["part"] == "column_shapes":
            way = KSComplement if names[0] in numbers else TVComplement
            found = way.compute(real[one["table"]][names[0]], made[one["table"]][names[0]])
        else:
            sides = (real[one["table"]][names], made[one["table"]][names])
            continuous = [name for name in names if name in numbers]
            if len(continuous) == 2:
                found = CorrelationSimilarity.compute(*sides)
            else:
                sides = tuple(side.copy() for side in sides)
                found = ContingencySimilarity.compute(*sides, continuous_column_names=continuous)
    except Exception as error:
        print(f"{one}: {error}", file=sys.stderr)
        return None
    return None if np.isnan(found) else float(found)


if __name__ == "__main__":
    main()
