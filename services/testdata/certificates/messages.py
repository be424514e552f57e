"""Converts certificates to protos."""

from greenroom.testdata.v1 import trace_certificate_pb2 as pb
from services.testdata.learnings.messages import detection_message
from services.testdata.traces.certificate import Certificate, EdgeError, RowTest
from services.testdata.traces.comparison import Comparison
from services.testdata.traces.verdict import listed_impossible, verdict


def comparison_message(comparison: Comparison) -> pb.CompareWorkflowsResponse:
    """The comparison."""
    return pb.CompareWorkflowsResponse(
        certificate=_certificate(comparison.certificate), json=comparison.document, picture=comparison.picture
    )


def _certificate(certificate: Certificate) -> pb.Certificate:
    found, worst, detection = certificate.deviation, certificate.worst_edge, certificate.detection
    return pb.Certificate(
        session_count=certificate.session_count,
        call_count=certificate.call_count,
        edge_count=certificate.edge_count,
        cell_count=certificate.cell_count,
        mean_error_edges=found.error,
        mean_error_cells=found.cell_error,
        bound=found.bound,
        ratio_to_bound=found.ratio,
        worst_edge=None if worst is None else _edge(worst),
        impossible_edges=map(_edge, listed_impossible(certificate)),
        rows=map(_row, certificate.rows),
        bonferroni_limit=certificate.bonferroni_limit,
        latencies=[
            pb.LatencyDistance(endpoint=endpoint, relative_distance=distance)
            for endpoint, distance in certificate.latencies.items()
        ],
        fault_detection=None if detection is None else detection_message(detection),
        recovered=certificate.recovered,
        verdict=verdict(certificate),
    )


def _edge(edge: EdgeError) -> pb.EdgeError:
    message = pb.EdgeError(to=edge.to, truth=edge.truth, learned=edge.learned, count=edge.count)
    setattr(message, "from", edge.start)
    return message


def _row(row: RowTest) -> pb.RowTest:
    return pb.RowTest(
        endpoint=row.endpoint,
        count=row.count,
        g=row.g,
        degrees_of_freedom=row.degrees_of_freedom,
        p_value=row.p_value,
    )
