"""How fast orders with ten fields are generated and written, compared with Faker and Mimesis.

And orders with their items, payments and addresses, which obey rules, compared with SDV.

All take turns within one run, on one pinned core, and are timed by processor time. A long stream shows whether the
server's memory grows.
"""

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import grpc

from benchmarks.contest import Contestant, race
from benchmarks.peers import python
from benchmarks.results import Result, compared, gates, limited, report
from benchmarks.servers import server
from benchmarks.ways.related_records import write_sample
from greenroom.testdata.v1 import record_pb2 as pb
from greenroom.testdata.v1 import record_pb2_grpc

TOPIC = "records"
_SCHEMA = b"""
display_name: Shop
entities:
  order:
    key: id
    fields:
      id: {type: identifier, format: uuid}
      customer_name: {type: text}
      email: {type: text, format: email, unique: true}
      phone: {type: text, format: phone}
      street: {type: text}
      city: {type: text}
      product_name: {type: text}
      quantity: {type: integer, minimum: 1, maximum: 10}
      price: {type: money, currency: EUR, minimum: 100, maximum: 100000}
      created_at: {type: datetime}
"""


def run(quick: bool) -> bool:
    """Measure, report, and return whether the gates held."""
    gate = gates(TOPIC)
    size = gate["quick" if quick else "full"]
    mimesis, faker = python("mimesis"), python("faker")
    results = []
    for kind, given in (("pools", {"unique": False}), ("unique", {"unique": True})):
        ours, theirs, others = race(
            [
                Contestant("records:parquet", given=given),
                Contestant("mimesis_records:parquet", mimesis, given),
                Contestant("faker_records:parquet", faker, given),
            ],
            size["rounds"],
            size["seconds"],
        )
        results += [
            compared(gate[f"{kind}_faker"], "records/s", ours, others),
            compared(gate[f"{kind}_mimesis"], "records/s", ours, theirs),
        ]
    for form in ("JSONL", "SQL"):
        told = {"unique": False, "format": form}
        contest = [Contestant("records:text", given=told), Contestant("mimesis_records:text", mimesis, told)]
        ours, theirs = race(contest, size["rounds"], size["seconds"])
        results.append(compared(gate[form.lower()], "records/s", ours, theirs))
    told = {"unique": False, "format": "ROWS"}
    contest = [Contestant("records:text", given=told), Contestant("message_records:rows", given=told)]
    ours, theirs = race(contest, size["rounds"], size["seconds"])
    results.append(compared(gate["rows"], "records/s", ours, theirs))
    results.append(_related(gate["related"], **size["related"]))
    for row, streamed, records in (
        ("memory", pb.RECORD_FORMAT_JSONL, size["streamed"]),
        ("memory_parquet", pb.RECORD_FORMAT_PARQUET, size["streamed_parquet"]),
    ):
        results.append(limited(gate[row], "MB", [asyncio.run(_growth(streamed, records))]))
    return report(TOPIC, results)


def _related(row: Mapping[str, Any], rounds: int, seconds: float, learnt: int) -> Result:
    """Orders with items, payments and addresses. learnt: half the orders of the sample that SDV learns from."""
    with tempfile.TemporaryDirectory() as folder:
        write_sample(Path(folder), learnt)
        contest = [
            Contestant("related_records:tables"),
            Contestant("sdv_records:tables", python("sdv"), {"folder": folder}),
        ]
        ours, theirs = race(contest, rounds, seconds)
    return compared(row, "records/s", ours, theirs)


async def _growth(form: pb.RecordFormat.ValueType, records: int) -> float:
    """MB by which the server and its workers grow from the first tenth of a stream to the last."""
    spec = pb.RecordSpec(
        source=pb.SchemaSource(yaml=_SCHEMA), entities=[pb.EntityCount(entity="order", count=records)], seed=1
    )
    request = pb.StreamRecordsRequest(spec=spec, format=form)
    sizes: list[float] = []
    read = 0
    with server("services.testdata") as ours:
        stub = record_pb2_grpc.RecordServiceStub(grpc.aio.insecure_channel(ours.address))
        async for response in stub.StreamRecords(request):
            read += response.record_count
            while read * 10 >= (len(sizes) + 1) * records:
                sizes.append(ours.resident_mb())
    assert read == records
    return sizes[-1] - sizes[0]
