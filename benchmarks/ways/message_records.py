"""Records as generated protobuf messages, built one by one from the same columns as ours."""

from collections.abc import Mapping
from typing import Any, assert_never

import numpy as np

from benchmarks.contestant import Work
from benchmarks.ways.records import TEXT_BLOCK, Orders
from greenroom.testdata.v1 import record_pb2 as pb
from services.testdata.records.tables import Column, Numbers, Serials, Texts, Uuids
from shared.model.packs.model import FieldType


def rows(given: Mapping[str, Any]) -> Work:
    """Generate records and serialise them as a response. Unit: a record. given: unique, whether ids and e-mails are."""
    orders = Orders(given["unique"])

    def work(batch: int) -> int:
        table = orders.table(batch % 10_000 * TEXT_BLOCK, TEXT_BLOCK)
        columns = [_values(column) for column in table.columns.values()]
        records = [pb.Record(values=values) for values in zip(*columns, strict=True)]
        pb.StreamRecordsResponse(rows=records).SerializeToString()
        return TEXT_BLOCK

    return work


def _values(column: Column) -> list[pb.RecordValue]:
    match column:
        case Numbers(type=FieldType.DATETIME):
            moments = np.datetime_as_string(column.values.astype("datetime64[us]").astype("datetime64[s]"))
            return [pb.RecordValue(text=f"{moment}Z") for moment in moments.tolist()]
        case Numbers():
            return [pb.RecordValue(integer=number) for number in column.values.tolist()]
        case Texts():
            texts = column.strings.texts
            return [pb.RecordValue(text=texts[code]) for code in column.codes.tolist()]
        case Serials() | Uuids():
            raise NotImplementedError("These orders have none.")
        case _:
            assert_never(column)
