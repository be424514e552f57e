"""Expectations as messages and as the records that are stored."""

from collections.abc import Mapping

from google.protobuf.json_format import MessageToDict, ParseDict

from greenroom.type.v1.expectation_pb2 import Expectation
from shared.model.events import Json


def expectation_record(message: Expectation) -> Mapping[str, Json]:
    """The expectation as proto JSON with the proto's field names, as `shared.model.expectations` reads it."""
    return MessageToDict(message, preserving_proto_field_name=True)


def fill_expectation(message: Expectation, record: Mapping[str, Json]) -> None:
    """The inverse of `expectation_record`."""
    ParseDict(dict(record), message)
