"""Shows what was asked, and how it was generated."""

from collections.abc import Iterable

from cli.kit.bounds import asked
from greenroom.enricher.v1.enrichment_pb2 import EnrichRequest, ScenarioShare
from greenroom.enricher.v1.pattern_pb2 import GenerationPlan


def request_facts(request: EnrichRequest) -> list[tuple[str, str]]:
    """What was asked, for `facts`."""
    return [
        ("domain", request.domain + (f", revision {request.revision}" if request.revision else "")),
        ("entity", request.entity),
        ("workflow", request.workflow),
        ("template", request.template),
        ("context", request.context),
        ("hints", "\n".join(request.hints)),
        ("scenarios", _shares(request.scenarios)),
        ("constraints", "\n".join(f"{one.field}: {asked(one)}" for one in request.constraints)),
    ]


def plan_facts(plan: GenerationPlan) -> list[tuple[str, str]]:
    """How it was generated, for `facts`."""
    return [
        ("played", _shares(plan.scenarios)),
        ("by", "\n".join(plan.hints)),
        ("allowed", "\n".join(f"{one.field}: {asked(one)}" for one in plan.constraints)),
    ]


def _shares(shares: Iterable[ScenarioShare]) -> str:
    return ", ".join(f"{one.scenario} {one.share:g}" for one in shares)
