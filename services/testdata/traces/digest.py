"""The canonical JSON of a workflow: the form in which it is stored, and hashed."""

import json
from collections.abc import Mapping
from hashlib import sha256

from services.testdata.traces.workflow import ServiceGraph, ThinkTime, Workflow
from shared.model.events import Json

_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def canonical_json(workflow: Workflow) -> bytes:
    """The workflow as JSON in UTF-8: sorted keys, no blanks, every number a float, empty members left out."""
    record: dict[str, Json] = {
        "name": workflow.name,
        "entry_points": _floats(workflow.entry_points),
        "transitions": {endpoint: _floats(row) for endpoint, row in workflow.transitions.items()},
        "exit_points": _floats(workflow.exit_points),
        "avg_response_times": _floats(workflow.avg_response_times),
        "methods": dict(workflow.methods),
        "error_rates": _floats(workflow.error_rates),
        "parameters": {
            endpoint: {name: list(values) for name, values in parameters.items()}
            for endpoint, parameters in workflow.parameters.items()
        },
        "think_times": {
            endpoint: [float(time.min_ms), float(time.max_ms)] for endpoint, time in workflow.think_times.items()
        },
    }
    if (graph := workflow.service_graph) is not None:
        calls = {service: _floats(called) for service, called in graph.calls.items()}
        record["service_graph"] = {"endpoints": dict(graph.endpoints), "calls": calls}
    return _canonical({key: value for key, value in record.items() if value}).encode()


def read_canonical(document: bytes) -> Workflow:
    """The inverse of `canonical_json`."""
    record = json.loads(document)
    graph = record.get("service_graph")
    parameters = record.get("parameters", {})
    return Workflow(
        name=record["name"],
        entry_points=record["entry_points"],
        transitions=record.get("transitions", {}),
        exit_points=record["exit_points"],
        avg_response_times=record["avg_response_times"],
        methods=record.get("methods", {}),
        error_rates=record.get("error_rates", {}),
        parameters={
            endpoint: {name: tuple(values) for name, values in of_endpoint.items()}
            for endpoint, of_endpoint in parameters.items()
        },
        think_times={endpoint: ThinkTime(*bounds) for endpoint, bounds in record.get("think_times", {}).items()},
        service_graph=None if graph is None else ServiceGraph(graph["endpoints"], graph["calls"]),
    )


def digest(workflow: Workflow) -> str:
    """SHA-256 of the canonical JSON in hexadecimal. Workflows with equal digests generate equal traces."""
    return sha256(canonical_json(workflow)).hexdigest()


def _floats(numbers: Mapping[str, float]) -> dict[str, float]:
    return {key: float(number) for key, number in numbers.items()}
