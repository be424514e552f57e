"""A certificate with its document and picture. This is CPU-bound work, so it runs in a worker process."""

from dataclasses import dataclass

from services.testdata.traces.certificate import Certificate, Evidence, certify
from services.testdata.traces.picture import picture
from services.testdata.traces.verdict import document
from services.testdata.traces.workflow import Workflow


@dataclass(frozen=True, slots=True)
class Comparison:
    """A certificate, its JSON document and its picture (SVG)."""

    certificate: Certificate
    document: str
    picture: bytes


def compare(truth: Workflow, evidence: Evidence) -> Comparison:
    """Issue the certificate for what was learned."""
    certificate = certify(truth, evidence)
    return Comparison(certificate, document(certificate), picture(truth, certificate))
