"""A certificate as one sentence and as a JSON document."""

import json
from dataclasses import asdict
from typing import Any

from services.testdata.traces.certificate import Certificate, EdgeError
from services.testdata.traces.recovery import Deviation

MOST_EDGES = 1_000
"""The most edges in a document; the most impossible edges are half of it. A gRPC message holds 4 MiB."""


def verdict(certificate: Certificate) -> str:
    """One sentence: whether the truth was recovered, and why."""
    if not certificate.call_count:
        return "Nothing can be said: no call was seen."
    if certificate.recovered:
        nothing = f"no edge is impossible and no row speaks against it{_unjudged(certificate)}"
        return f"Recovered: {_off(certificate)}; {nothing}."
    against = []
    if impossible := certificate.impossible_edges:
        times = f"{impossible[0]}, {_times(impossible[0].count)}"
        against.append(
            f"{_many(len(impossible), 'edge was', 'edges were')} seen that the truth does not have ({times})"
        )
    if rejected := certificate.rejected:
        row = f"row {rejected[0].endpoint}" if rejected[0].endpoint else "the entries"
        of = f"{len(rejected)} of {len(certificate.rows)} rows"
        against.append(
            f"{of} {'speaks' if len(rejected) == 1 else 'speak'} against it ({row}, p = {rejected[0].p_value:.1e})"
        )
    return f"Not recovered: {' and '.join(against)}; {_off(certificate)}{_unjudged(certificate)}."


def _off(certificate: Certificate) -> str:
    found = certificate.deviation
    if not found.edges:
        return f"none of its rows was seen in {certificate.call_count:,} calls"
    return (
        f"over {found.edges:,} edges {certificate.call_count:,} calls are off by {percent(found.error)} on average, "
        f"{found.ratio:.2f} times what chance alone would be ({percent(found.bound)})"
    )


def percent(share: float, digits: int = 3) -> str:
    """A share as a percentage."""
    return f"{share * 100:.{digits}f} %"


def _unjudged(certificate: Certificate) -> str:
    said = ""
    if untested := len(certificate.untested):
        said += f"; {_many(untested, 'row has', 'rows have')} too few calls for a test"
    if unseen := len(certificate.unseen):
        said += f"; {_many(unseen, 'endpoint was', 'endpoints were')} never called"
    return said


def _many(count: int, one: str, more: str) -> str:
    return f"{count:,} {one if count == 1 else more}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def document(certificate: Certificate) -> str:
    """The certificate as JSON: the fields of the contract, the edges with the largest errors, the curve."""
    found, worst = certificate.deviation, certificate.worst_edge
    content: dict[str, Any] = {
        "truth": certificate.truth,
        "recovered": certificate.recovered,
        "verdict": verdict(certificate),
        "session_count": certificate.session_count,
        "call_count": certificate.call_count,
        "edge_count": certificate.edge_count,
        "cell_count": certificate.cell_count,
        **_deviation(found),
        "mean_error_cells": found.cell_error,
        "worst_edge": worst and _edge(worst),
        "impossible_edge_count": len(certificate.impossible_edges),
        "impossible_edges": [_edge(edge) for edge in listed_impossible(certificate)],
        "unseen_endpoints": list(certificate.unseen),
        "untested_rows": list(certificate.untested),
        "bonferroni_limit": certificate.bonferroni_limit,
        "rows": [asdict(row) for row in certificate.rows],
        "latencies": [
            {"endpoint": endpoint, "relative_distance": distance}
            for endpoint, distance in certificate.latencies.items()
        ],
        "fault_detection": certificate.detection and asdict(certificate.detection),
        "edges": [_edge(edge) for edge in sorted(certificate.edges, key=lambda edge: -edge.error)[:MOST_EDGES]],
        "curve": [{"call_count": calls, **_deviation(then)} for calls, then in certificate.curve],
    }
    return json.dumps(content, ensure_ascii=False, indent=2)


def listed_impossible(certificate: Certificate) -> tuple[EdgeError, ...]:
    """The impossible edges that are listed, highest count first."""
    return certificate.impossible_edges[: MOST_EDGES // 2]


def _deviation(found: Deviation) -> dict[str, float]:
    return {
        "mean_error_edges": found.error,
        "bound": found.bound,
        "ratio_to_bound": found.ratio,
        "ratio_spread": found.spread / found.bound if found.bound else 0.0,
    }


def _edge(edge: EdgeError) -> dict[str, Any]:
    return {"from": edge.start, "to": edge.to, "truth": edge.truth, "learned": edge.learned, "count": edge.count}
