"""Schemas, specs and records as messages."""

from collections.abc import Iterable, Mapping
from hashlib import sha256

from greenroom.testdata.v1 import record_pb2 as pb
from greenroom.testdata.v1.record_quality_pb2 import EntityQuality, RecordQuality
from greenroom.type.v1 import domain_pb2
from services.testdata.records.errors import EntityTwice
from services.testdata.records.formats import Format
from services.testdata.records.making import MadeRecords
from services.testdata.records.model import Beside, Checked, Quality, Samples, Wanted
from services.testdata.records.schemas import Schema
from shared.model.events import Json
from shared.rpc.packs import constraint
from shared.rpc.values import enum_number, enum_value, struct_json, timestamp


def wanted(message: pb.RecordSpec) -> Wanted:
    """What a spec asks for. Raises EntityTwice."""
    counts: dict[str, int] = {}
    for one in message.entities:
        if one.entity in counts:
            raise EntityTwice(entity=one.entity)
        counts[one.entity] = one.count
    source = message.source
    return Wanted(
        getattr(source, source.WhichOneof("source") or "domain"),
        source.digest,
        source.file,
        counts,
        message.seed,
        message.locale,
        message.scenario,
        tuple(map(constraint, message.constraints)),
        message.production_like,
        tuple((one.scenario, one.share) for one in message.scenarios if one.share > 0),
        message.include_edge_cases,
        tuple(map(_samples, message.samples)),
    )


def _samples(message: pb.EntitySamples) -> Samples:
    content = message.SerializeToString(deterministic=True)
    return Samples(message.entity, content, sha256(content).hexdigest())


def sample_rows(content: bytes) -> list[dict[str, Json]]:
    """The rows in a serialised EntitySamples. Raises NumberNotFinite."""
    return [struct_json(row) for row in pb.EntitySamples.FromString(content).rows]


def record_format(number: pb.RecordFormat.ValueType) -> Format:
    """The format; JSONL if it is not set."""
    return Format(enum_value(pb.RecordFormat, "RECORD_FORMAT", number) or Format.JSONL)


def schema_message(schema: Schema) -> pb.Schema:
    """The schema as a message."""
    return pb.Schema(
        name=schema.name,
        domain=schema.domain,
        revision=schema.revision,
        display_name=schema.display_name,
        description=schema.description,
        entities=[
            pb.SchemaEntity(
                name=one.name,
                description=one.description,
                field_count=one.field_count,
                rule_count=one.rule_count,
                parents=one.parents,
            )
            for one in schema.entities
        ],
        scenarios=schema.scenarios,
        creator=schema.creator,
        create_time=timestamp(schema.create_time),
    )


def check_messages(checks: Iterable[Checked]) -> list[pb.RuleCheck]:
    """How rules fare, as messages."""
    return [
        pb.RuleCheck(
            rule=one.rule,
            entity=one.entity,
            text=one.text,
            severity=enum_number(domain_pb2.BusinessRule.Severity, "SEVERITY", one.severity.name),
            checked=one.checked,
            held=one.held,
            violated=one.violated,
            examples=[number + 1 for number in one.examples],
        )
        for one in checks
    ]


def edge_messages(beside: Beside) -> list[pb.RecordEdge]:
    """The edge cases of records as messages."""
    return [
        pb.RecordEdge(
            field=one.field,
            category=enum_number(domain_pb2.EdgeCase.Category, "CATEGORY", one.category.name),
            edge_case=one.id,
            text=one.text,
            scenario=one.scenario,
            records=one.records.tolist(),
        )
        for one in beside.edges
    ]


def scenario_messages(beside: Beside) -> list[pb.ScenarioRecords]:
    """The scenarios of records as messages."""
    return [pb.ScenarioRecords(scenario=name, records=records.tolist()) for name, records in beside.scenarios]


def quality_messages(qualities: Mapping[str, Quality]) -> list[EntityQuality]:
    """The quality of each entity, as messages."""
    return [
        EntityQuality(entity=entity, quality=RecordQuality(score=one.score or 0, **one.parts))
        for entity, one in qualities.items()
    ]


def records_message(made: MadeRecords, form: Format) -> pb.EntityRecords:
    """Records of an entity as a message."""
    head = pb.EntityRecords(
        entity=made.entity,
        fields=made.fields,
        record_count=made.count,
        edges=edge_messages(made.beside),
        scenarios=scenario_messages(made.beside),
        edges_asked=made.beside.asked,
    )
    if form is Format.ROWS:
        return pb.EntityRecords.FromString(head.SerializeToString() + made.data)
    head.data = made.data
    return head
