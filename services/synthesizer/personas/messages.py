"""Personas as messages."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import assert_never

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from greenroom.synthesizer.v1 import persona_pb2 as pb
from services.synthesizer.personas.generation.model import Outcome, Rejected, Summary, Wanted
from services.synthesizer.personas.model import (
    DecisionSpeed,
    Demographics,
    ExpectedCall,
    ObjectionLikelihood,
    Persona,
    Personality,
    ResponseLength,
)
from services.synthesizer.sources.messages import source_filter
from shared.errors import InvalidArgument, Violation
from shared.rpc.events import usage_message
from shared.rpc.expectations import expectation_record, fill_expectation
from shared.rpc.values import enum_number, enum_value, fill_struct, struct_json, timestamp
from shared.words import any_of

_DEFAULT_COUNT = 5
_READ_ONLY = {"name", "built_in", "origin", "create_time", "update_time"}
_PARTS: Mapping[str, type[Message]] = {"personality": pb.Personality, "demographics": pb.Demographics}
UPDATABLE = tuple(field.name for field in pb.Persona.DESCRIPTOR.fields if field.name not in _READ_ONLY)
"""The fields that an update with an empty mask replaces."""
_PATHS = {*UPDATABLE, *(f"{name}.{field.name}" for name, part in _PARTS.items() for field in part.DESCRIPTOR.fields)}


def persona_message(persona: Persona) -> pb.Persona:
    """The persona as a message."""
    how, who = persona.personality, persona.demographics
    message = pb.Persona(
        name=persona.name,
        display_name=persona.display_name,
        description=persona.description,
        personality=pb.Personality(
            tone=how.tone,
            response_length=enum_number(pb.Personality.ResponseLength, "RESPONSE_LENGTH", how.response_length),
            decision_speed=enum_number(pb.Personality.DecisionSpeed, "DECISION_SPEED", how.decision_speed),
            objection_likelihood=enum_number(
                pb.Personality.ObjectionLikelihood, "OBJECTION_LIKELIHOOD", how.objection_likelihood
            ),
        ),
        demographics=pb.Demographics(
            age_range=who.age_range, occupation=who.occupation, location=who.location, income=who.income
        ),
        behaviour_traits=persona.behaviour_traits,
        goal=persona.goal,
        language=persona.language,
        origin=None if persona.origin is None else pb.PersonaOrigin(**asdict(persona.origin)),
        built_in=persona.built_in,
        create_time=timestamp(persona.create_time),
        update_time=timestamp(persona.update_time),
        expected_calls=[_expected_call_message(call) for call in persona.expected_calls],
    )
    for expectation in persona.expectations:
        fill_expectation(message.expectations.add(), expectation)
    return message


def _expected_call_message(call: ExpectedCall) -> pb.ExpectedCall:
    message = pb.ExpectedCall(tool=call.tool)
    fill_struct(message.arguments, call.arguments)
    return message


def persona(message: pb.Persona) -> Persona:
    """The persona in a message, without its times; the service sets those and `built_in`."""
    how, who = message.personality, message.demographics
    length = enum_value(pb.Personality.ResponseLength, "RESPONSE_LENGTH", how.response_length)
    speed = enum_value(pb.Personality.DecisionSpeed, "DECISION_SPEED", how.decision_speed)
    likelihood = enum_value(pb.Personality.ObjectionLikelihood, "OBJECTION_LIKELIHOOD", how.objection_likelihood)
    return Persona(
        name=message.name,
        display_name=message.display_name,
        description=message.description,
        personality=Personality(
            tone=how.tone,
            response_length=ResponseLength(length or "MEDIUM"),
            decision_speed=DecisionSpeed(speed or "MEDIUM"),
            objection_likelihood=ObjectionLikelihood(likelihood or "MEDIUM"),
        ),
        demographics=Demographics(who.age_range, who.occupation, who.location, who.income),
        behaviour_traits=tuple(message.behaviour_traits),
        goal=message.goal,
        language=message.language,
        expected_calls=tuple(ExpectedCall(call.tool, struct_json(call.arguments)) for call in message.expected_calls),
        expectations=tuple(map(expectation_record, message.expectations)),
    )


def persona_change(message: pb.Persona, mask: FieldMask) -> Callable[[Persona], Persona]:
    """A function that replaces the masked fields of a persona by those of the message.

    An empty mask or `*` means all fields that can change.

    Raises InvalidArgument for a path that names no field or one that the service sets.
    """
    paths = UPDATABLE if not mask.paths or mask.paths == ["*"] else mask.paths
    violations = [
        Violation(
            f"update_mask.paths[{index}]", f"There is no field {path!r} to update; name one of {any_of(UPDATABLE)}."
        )
        for index, path in enumerate(paths)
        if path not in _PATHS
    ]
    if violations:
        raise InvalidArgument(violations=violations)
    fields = FieldMask(paths=paths)

    def change(current: Persona) -> Persona:
        changed = persona_message(current)
        fields.MergeMessage(message, changed, replace_message_field=True, replace_repeated_field=True)
        return persona(changed)

    return change


def wanted(request: pb.GeneratePersonasRequest) -> Wanted:
    """Which personas a request wants."""
    return Wanted(
        count=request.count or _DEFAULT_COUNT,
        description=request.description,
        sources=tuple(request.sources),
        source_filter=source_filter(request.source_filter) if request.HasField("source_filter") else None,
        language=request.language,
        model=request.model,
        seed=request.seed,
        domain=request.domain,
        domain_revision=request.domain_revision,
        band=request.band,
    )


def outcome_message(outcome: Outcome) -> pb.GeneratePersonasResponse:
    """What happened, as a message of the stream."""
    match outcome:
        case Persona():
            return pb.GeneratePersonasResponse(persona=persona_message(outcome))
        case Rejected(display_name, reason, detail):
            rejected = pb.RejectedPersona(display_name=display_name, reason=reason, detail=detail)
            return pb.GeneratePersonasResponse(rejected=rejected)
        case Summary(stored, rejected_count, usage):
            summary = pb.GenerationSummary(stored=stored, rejected=rejected_count, usage=usage_message(usage))
            return pb.GeneratePersonasResponse(summary=summary)
        case _:
            assert_never(outcome)
