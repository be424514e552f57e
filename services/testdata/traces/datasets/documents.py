"""Datasets as JSON: parameters and specs, as they are kept and as a manifest shows them."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from services.testdata.traces.datasets.model import DatasetEvent, DatasetSpec, Milestone, Part
from services.testdata.traces.formats import Format
from services.testdata.traces.parameters import Arrival, Mode, Parameters
from shared.model.events import Json


def parameters_json(parameters: Parameters) -> dict[str, Json]:
    """The parameters, all of them; times are Unix milliseconds."""
    return {**asdict(parameters), "user_types": dict(sorted(parameters.user_types.items()))}


def read_parameters(record: Mapping[str, Any]) -> Parameters:
    """The inverse of `parameters_json`."""
    return Parameters(**{**record, "arrival": Arrival(record["arrival"]), "mode": Mode(record["mode"])})


def spec_json(spec: DatasetSpec) -> dict[str, Json]:
    """The spec."""
    return {**asdict(spec), "parameters": parameters_json(spec.parameters)}


def read_spec(record: Mapping[str, Any]) -> DatasetSpec:
    """The inverse of `spec_json`."""
    enriched = {"parameters": read_parameters(record["parameters"]), "format": Format(record["format"])}
    return DatasetSpec(**{**record, **enriched})


def pack_event(event: DatasetEvent) -> bytes:
    """An event of a dataset's log at rest."""
    record = asdict(event) if isinstance(event, Part) else {"milestone": event.value}
    return json.dumps(record, separators=(",", ":")).encode()


def unpack_event(payload: bytes) -> DatasetEvent:
    """The inverse of `pack_event`."""
    record = json.loads(payload)
    return Milestone(record["milestone"]) if "milestone" in record else Part(**record)
