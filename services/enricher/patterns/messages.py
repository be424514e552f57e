"""Requests, generations, patterns and templates as messages."""

from collections.abc import Iterable, Mapping

from greenroom.enricher.v1 import enrichment_pb2, pattern_pb2
from services.enricher.patterns.model import Found, Generation, GenerationFilter, Pattern, Plan, Request, Template
from shared.rpc.packs import constraint, constraint_message
from shared.rpc.values import fill_struct, milliseconds, struct_json, timestamp

_OUTCOMES = {
    pattern_pb2.ListGenerationsRequest.OUTCOME_SUCCEEDED: True,
    pattern_pb2.ListGenerationsRequest.OUTCOME_FAILED: False,
}


def request(message: enrichment_pb2.EnrichRequest) -> Request:
    """The request in a message. Raises NumberNotFinite."""
    return Request(
        domain=message.domain,
        entity=message.entity,
        revision=message.revision,
        context=message.context,
        hints=tuple(message.hints),
        shares=_shares(message.scenarios),
        constraints=tuple(map(constraint, message.constraints)),
        workflow=message.workflow,
        edge_cases=message.include_edge_cases,
        template=message.template,
    )


def share_messages(shares: Mapping[str, float]) -> list[enrichment_pb2.ScenarioShare]:
    """The shares of scenarios as messages."""
    return [enrichment_pb2.ScenarioShare(scenario=name, share=share) for name, share in shares.items()]


def new_generation(message: pattern_pb2.Generation) -> Generation:
    """A generation to record, still without what the service sets. Raises NumberNotFinite."""
    plan = message.plan
    return Generation(
        name="",
        request=request(message.request),
        plan=Plan(
            hints=tuple(plan.hints),
            shares=_shares(plan.scenarios),
            constraints=tuple(map(constraint, plan.constraints)),
            settings=struct_json(plan.settings),
        ),
        success=message.success,
        quality=message.quality,
        records=message.record_count,
        error=message.error,
        pattern="",
        creator="",
        create_time=0,
    )


def generation_message(generation: Generation) -> pattern_pb2.Generation:
    """The generation as a message."""
    return pattern_pb2.Generation(
        name=generation.name,
        request=_request_message(generation.request),
        plan=_plan_message(generation.plan),
        success=generation.success,
        quality=generation.quality,
        record_count=generation.records,
        error=generation.error,
        pattern=generation.pattern,
        creator=generation.creator,
        create_time=timestamp(generation.create_time),
    )


def generation_filter(message: pattern_pb2.ListGenerationsRequest) -> GenerationFilter:
    """The filter of a list. Raises TimeOutOfRange."""
    return GenerationFilter(
        domain=message.domain,
        entity=message.entity,
        success=_OUTCOMES.get(message.outcome),
        start=milliseconds(message.from_time) if message.HasField("from_time") else None,
        end=milliseconds(message.to_time) if message.HasField("to_time") else None,
    )


def pattern_message(pattern: Pattern) -> pattern_pb2.Pattern:
    """The pattern as a message."""
    return pattern_pb2.Pattern(
        name=pattern.name,
        request=_request_message(pattern.request),
        plan=_plan_message(pattern.plan),
        quality=pattern.quality,
        record_count=pattern.records,
        generation_count=pattern.generations,
        use_count=pattern.uses,
        creator=pattern.creator,
        create_time=timestamp(pattern.create_time),
    )


def found_message(found: Found) -> pattern_pb2.PatternMatch:
    """The match as a message."""
    return pattern_pb2.PatternMatch(pattern=pattern_message(found.pattern), similarity=found.similarity)


def template_message(template: Template) -> pattern_pb2.Template:
    """The template as a message."""
    return pattern_pb2.Template(
        name=template.name,
        description=template.description,
        request=_request_message(template.request),
        plan=_plan_message(template.plan),
        pattern=template.pattern,
        creator=template.creator,
        create_time=timestamp(template.create_time),
    )


def _request_message(asked: Request) -> enrichment_pb2.EnrichRequest:
    return enrichment_pb2.EnrichRequest(
        domain=asked.domain,
        revision=asked.revision,
        entity=asked.entity,
        context=asked.context,
        hints=asked.hints,
        scenarios=share_messages(asked.shares),
        constraints=map(constraint_message, asked.constraints),
        workflow=asked.workflow,
        include_edge_cases=asked.edge_cases,
        template=asked.template,
    )


def _plan_message(plan: Plan | None) -> pattern_pb2.GenerationPlan | None:
    if plan is None:
        return None
    message = pattern_pb2.GenerationPlan(
        hints=plan.hints,
        scenarios=share_messages(plan.shares),
        constraints=map(constraint_message, plan.constraints),
    )
    fill_struct(message.settings, plan.settings)
    return message


def _shares(messages: Iterable[enrichment_pb2.ScenarioShare]) -> dict[str, float]:
    return {one.scenario: one.share for one in messages}
