"""A comparison with everything that is told of it; holds the processor, so it is made where that disturbs nobody."""

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
    """Issue the certificate of what was learned."""
    certificate = certify(truth, evidence)
    return Comparison(certificate, document(certificate), picture(truth, certificate))
