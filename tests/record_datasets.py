"""Helpers of the tests of record datasets."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from greenroom.client import Client
from greenroom.testdata.v1 import record_dataset_pb2 as pb
from greenroom.testdata.v1.record_pb2 import EntityCount, RecordSpec, SchemaSource

State = pb.RecordDataset.State
BOXES = b"""
display_name: Boxes
entities:
  box: {key: id, fields: {id: {type: identifier}, called: {type: text, nullable: true}}}
  piece:
    key: id
    fields: {id: {type: identifier}, box_id: {type: identifier}, grams: {type: integer, minimum: 1, maximum: 900}}
relationships:
  - {child: piece, child_fields: box_id, parent: box, parent_fields: id}
rules:
  light: {entity: piece, text: A piece weighs up to 900 g., expression: grams <= 900}
"""
"""A pack whose records are made fast."""


def record_dataset_spec(counts: Mapping[str, int], **fields: Any) -> pb.RecordDatasetSpec:
    """A dataset of boxes and pieces. fields: other fields of the spec."""
    entities = [EntityCount(entity=entity, count=count) for entity, count in counts.items()]
    records = RecordSpec(source=SchemaSource(yaml=BOXES), entities=entities, seed=3)
    return pb.RecordDatasetSpec(records=records, **fields)


async def over(client: Client, name: str) -> pb.RecordDataset:
    """The dataset, once it is over."""
    async with client.record_datasets.watch(name) as watch:
        async for _ in watch:
            pass
    assert watch.summary is not None
    return watch.summary


def whole(dataset: pb.RecordDataset) -> dict[str, bytes]:
    """The files in a dataset's folder by name, also hidden ones."""
    return {path.name: path.read_bytes() for path in Path(dataset.location).iterdir()}
