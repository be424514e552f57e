"""Contexts and enriched requests as messages."""

from greenroom.enricher.v1 import enrichment_pb2 as pb
from services.enricher.contexts.model import Context, Enriched, Found, Wanted
from services.enricher.contexts.telling import tell_documents
from services.enricher.patterns.messages import share_messages
from shared.errors import GreenroomError
from shared.rpc.packs import (
    constraint_message,
    edge_case_message,
    entity_message,
    relationship_message,
    rule_message,
    scenario_message,
    workflow_message,
)


def wanted(message: pb.BuildContextRequest) -> Wanted:
    """What a context is to be about."""
    return Wanted(message.entity, message.workflow, message.scenario, message.include_edge_cases)


def context_message(context: Context) -> pb.DomainContext:
    """The context as a message."""
    return pb.DomainContext(
        domain=context.domain,
        revision=context.revision,
        entity=None if context.entity is None else entity_message(context.entity),
        relationships=map(relationship_message, context.relationships),
        rules=map(rule_message, context.rules),
        edge_cases=map(edge_case_message, context.edge_cases),
        scenarios=map(scenario_message, context.scenarios),
        workflows=map(workflow_message, context.workflows),
        constraints=map(constraint_message, context.constraints),
        hints=context.hints,
        text=context.text,
        customer_text=context.customer_text,
    )


def found_message(found: Found, context: pb.DomainContext) -> pb.DomainContext:
    """The context with what documents say. context: it as a message, which stays as it is."""
    if not found.documents.matches:
        return context
    message = pb.DomainContext()
    message.CopyFrom(context)
    message.text += tell_documents(found.documents.matches)
    for one in found.documents.matches:
        message.found.add(
            document=one.document.name, title=one.document.title, source=one.document.source, passage=one.passage
        )
    return message


def enriched_message(request_id: str, enriched: Enriched, context: pb.DomainContext) -> pb.EnrichResponse:
    """The enriched request as a message. context: that of the request, as a message."""
    return pb.EnrichResponse(
        request_id=request_id,
        enriched=True,
        context=context,
        hints=enriched.hints,
        scenarios=share_messages(enriched.merged.shares),
        constraints=map(constraint_message, enriched.merged.constraints),
        metadata=pb.EnrichmentMetadata(
            revision=context.revision,
            revision_digest=enriched.digest,
            knowledge_problem=enriched.found.documents.missing,
            meaning_problem=enriched.found.documents.meaning_problem,
            hints=[
                pb.HintOutcome(hint=one.hint, applied=one.applied, outcome=one.outcome)
                for one in enriched.merged.outcomes
            ],
            patterns=[
                pb.UsedPattern(pattern=one.name, similarity=one.similarity, quality=one.quality, hint=one.hint)
                for one in enriched.patterns
            ],
            patterns_problem=enriched.patterns_missing,
            template=enriched.template,
        ),
    )


def refused_message(request_id: str, error: GreenroomError) -> pb.EnrichResponse:
    """A request that could not be enriched, and why."""
    why = pb.EnrichError(code=error.code, reason=error.reason, message=str(error))
    return pb.EnrichResponse(request_id=request_id, error=why)
