"""Requests for test data and their answers as messages."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from greenroom.enricher.v1 import enrichment_pb2, pattern_pb2
from greenroom.gateway.v1 import generation_pb2 as pb
from greenroom.testdata.v1 import record_pb2
from services.gateway.generations.model import Remembered, Wanted
from shared.errors import GreenroomError
from shared.rpc.values import timestamp

_LOCALE = "en-GB"
"""Where no locale is named."""
_SAMPLES = "spec.samples[0].rows"
"""What test data calls the sample rows."""
_SAME = 1e-9
"""Shares that differ by less are the same."""
_LONGEST_ERROR = 2000
"""The most characters of the error of a generation."""


def wanted(message: pb.GenerateTestDataRequest) -> Wanted:
    """The request in a message."""
    content = pb.GenerateTestDataRequest()
    content.CopyFrom(message)
    content.ClearField("request_id")
    digest = sha256(content.SerializeToString(deterministic=True)).hexdigest()
    return Wanted(message, digest, message.use_cache)


def enrich_request(message: pb.GenerateTestDataRequest) -> enrichment_pb2.EnrichRequest:
    """What the enricher is asked."""
    request = enrichment_pb2.EnrichRequest()
    for name in ("request_id", "domain", "revision", "entity", "context", "workflow", "include_edge_cases"):
        setattr(request, name, getattr(message, name))
    request.hints.extend(message.hints)
    request.constraints.extend(message.constraints)
    if message.scenario:
        request.scenarios.add(scenario=message.scenario, share=1)
    else:
        request.scenarios.extend(message.scenarios)
    return request


def record_spec(message: pb.GenerateTestDataRequest, enriched: Any, seed: int) -> record_pb2.RecordSpec:
    """What test data makes. enriched: an EnrichResponse, whose revision and constraints it has."""
    shares = [one for one in enriched.scenarios if one.share > 0]
    spec = record_pb2.RecordSpec(
        entities=[record_pb2.EntityCount(entity=message.entity, count=message.count)],
        seed=seed,
        locale=message.locale,
        scenario=shares[0].scenario if len(shares) == 1 else "",
        constraints=enriched.constraints,
        production_like=message.production_like,
        include_edge_cases=message.include_edge_cases,
    )
    if len(shares) > 1 and _are_named(shares, enriched):
        spec.scenarios.extend(record_pb2.RecordScenario(scenario=one.scenario, share=one.share) for one in shares)
    spec.source.domain = f"{message.domain}@{enriched.metadata.revision}"
    spec.source.digest = enriched.metadata.revision_digest
    if message.sample_rows:
        spec.samples.add(entity=message.entity, rows=message.sample_rows)
    for one in spec.constraints:
        one.entity = one.entity or message.entity
    return spec


def _are_named(shares: Sequence[enrichment_pb2.ScenarioShare], enriched: Any) -> bool:
    """True if the request or its hints name the shares; otherwise they are those of the domain."""
    weights = {one.id: one.weight for one in enriched.context.scenarios if one.weight}
    total = sum(weights.values())
    return {one.scenario for one in shares} != {*weights} or any(
        abs(one.share - weights[one.scenario] / total) > _SAME for one in shares
    )


def records_request(message: pb.GenerateTestDataRequest, enriched: Any, seed: int) -> record_pb2.GenerateRecordsRequest:
    """What test data is asked for."""
    spec = record_spec(message, enriched, seed)
    return record_pb2.GenerateRecordsRequest(spec=spec, format=message.output_format, measure_quality=True)


def records_made(
    spec: record_pb2.RecordSpec, enriched: Any, made: record_pb2.GenerateRecordsResponse
) -> pb.GenerateTestDataResponse:
    """What test data made, as parts of an answer."""
    [entity] = made.entities
    answer = generated(spec, enriched, made)
    answer.data, answer.record_count = entity.data, entity.record_count
    answer.edges.extend(entity.edges)
    answer.record_scenarios.extend(entity.scenarios)
    return answer


def generated(
    spec: record_pb2.RecordSpec,
    enriched: Any,
    made: record_pb2.GenerateRecordsResponse | record_pb2.StreamRecordsResponse,
) -> pb.GenerateTestDataResponse:
    """What is said about records, as parts of an answer. made: what test data said last."""
    answer = pb.GenerateTestDataResponse(
        generation_metadata=pb.GenerationMetadata(
            revision=enriched.metadata.revision,
            seed=spec.seed,
            locale=spec.locale or _LOCALE,
            scenario=spec.scenario,
            checks=made.checks,
        )
    )
    for one in made.qualities:
        answer.quality.CopyFrom(one.quality)
    return answer


def generation_request(
    message: pb.GenerateTestDataRequest, enriched: Any, outcome: Any, request_id: str
) -> pattern_pb2.RecordGenerationRequest:
    """What the enricher stores of a generation. outcome: the parts of an answer with records, or the error."""
    request = pattern_pb2.RecordGenerationRequest(request_id=request_id)
    generation = request.generation
    generation.request.CopyFrom(enrich_request(message))
    if isinstance(outcome, GreenroomError):
        generation.error = str(outcome)[:_LONGEST_ERROR]
        return request
    generation.success = True
    generation.quality, generation.record_count = outcome.quality.score, outcome.record_count
    generation.plan.hints.extend(enriched.hints)
    generation.plan.scenarios.extend(enriched.scenarios)
    generation.plan.constraints.extend(enriched.constraints)
    made = outcome.generation_metadata
    settings = {"seed": str(made.seed), "locale": made.locale, "revision": made.revision, "scenario": made.scenario}
    generation.plan.settings.update(settings)
    return request


def made_message(
    wanted: Wanted, enriched: Any, made: pb.GenerateTestDataResponse, remembered: Remembered, now: int
) -> pb.GenerateTestDataResponse:
    """The answer with records.

    enriched: an EnrichResponse. made: has what the generator says. now: in Unix milliseconds.
    """
    answer = _answer(wanted, enriched, remembered, now)
    answer.success = True
    answer.MergeFrom(made)
    return answer


def refused_message(
    wanted: Wanted, enriched: Any, error: GreenroomError, remembered: Remembered, now: int
) -> pb.GenerateTestDataResponse:
    """The answer without records. enriched: an EnrichResponse, or None if the enricher refused."""
    answer = _answer(wanted, enriched, remembered, now)
    answer.error.CopyFrom(error_message(error))
    return answer


def failed_message(message: pb.GenerateTestDataRequest, error: GreenroomError, now: int) -> pb.GenerateTestDataResponse:
    """The answer to one of many requests whose call failed."""
    return refused_message(wanted(message), None, error, Remembered(), now)


def kept_message(wanted: Wanted, kept: bytes) -> pb.GenerateTestDataResponse:
    """An answer that was kept, as the answer to this request."""
    answer = pb.GenerateTestDataResponse.FromString(kept)
    answer.request_id = wanted.message.request_id
    answer.metadata.cached = True
    return answer


def error_message(error: GreenroomError) -> pb.GenerationError:
    """An error with its sentence and the fields that are to blame."""
    fields = [
        pb.WrongField(field=one.field.replace(_SAMPLES, "sample_rows"), description=one.description)
        for one in error.violations
    ]
    return pb.GenerationError(code=error.code, reason=error.reason, message=str(error), fields=fields)


def _answer(wanted: Wanted, enriched: Any, remembered: Remembered, now: int) -> pb.GenerateTestDataResponse:
    message = wanted.message
    return pb.GenerateTestDataResponse(
        request_id=message.request_id,
        entity=message.entity,
        workflow=message.workflow,
        scenario=message.scenario,
        metadata=pb.PipelineMetadata(
            generation=remembered.generation, pattern=remembered.pattern, knowledge_problem=remembered.problem
        ),
        enrichment_metadata=None if enriched is None else enriched.metadata,
        generated_at=timestamp(now),
    )
