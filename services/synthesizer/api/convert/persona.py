"""Personas."""

from collections.abc import Callable, Mapping

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from greenroom.synthesizer.v1 import persona_pb2 as pb
from services.synthesizer.persona import (
    DecisionSpeed,
    Demographics,
    ObjectionLikelihood,
    Persona,
    Personality,
    ResponseLength,
)
from shared.errors import InvalidArgument, Violation
from shared.rpc.values import enum_number, enum_value, timestamp

_READ_ONLY = {"name", "built_in", "create_time", "update_time"}
_PARTS: Mapping[str, type[Message]] = {"personality": pb.Personality, "demographics": pb.Demographics}
UPDATABLE = tuple(field.name for field in pb.Persona.DESCRIPTOR.fields if field.name not in _READ_ONLY)
"""The fields that an update replaces when its mask names none."""
_PATHS = {*UPDATABLE, *(f"{name}.{field.name}" for name, part in _PARTS.items() for field in part.DESCRIPTOR.fields)}


def persona_message(persona: Persona) -> pb.Persona:
    """The persona as a message."""
    how, who = persona.personality, persona.demographics
    return pb.Persona(
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
        built_in=persona.built_in,
        create_time=timestamp(persona.create_time),
        update_time=timestamp(persona.update_time),
    )


def persona(message: pb.Persona) -> Persona:
    """The persona in a message; name, built_in and times are the service's to set."""
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
    )


def persona_change(message: pb.Persona, mask: FieldMask) -> Callable[[Persona], Persona]:
    """What replaces the masked fields of a persona by the message's; all that can be changed for an empty mask or `*`.

    Raises InvalidArgument for a path that names no field or one that the service sets.
    """
    paths = UPDATABLE if not mask.paths or mask.paths == ["*"] else mask.paths
    violations = [
        Violation(
            f"update_mask.paths[{index}]", f"There is no field {path!r} to update; name one of {', '.join(UPDATABLE)}."
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
