"""Domain packs as messages."""

from collections.abc import Iterable
from typing import Any

from google.protobuf.message import Message

from greenroom.type.v1 import domain_pb2 as pb
from shared.model.events import Json
from shared.model.packs.model import (
    Category,
    Constraint,
    EdgeCase,
    Entity,
    Field,
    FieldType,
    Pack,
    Relationship,
    Rule,
    Scenario,
    Severity,
    Support,
    Workflow,
    WorkflowStep,
)
from shared.rpc.values import enum_number, enum_value, fill_value, value_json


def pack_message(pack: Pack) -> pb.DomainPack:
    """The pack as a message."""
    return pb.DomainPack(
        display_name=pack.display_name,
        description=pack.description,
        entities=map(entity_message, pack.entities),
        relationships=map(relationship_message, pack.relationships),
        rules=map(rule_message, pack.rules),
        edge_cases=map(edge_case_message, pack.edge_cases),
        workflows=map(workflow_message, pack.workflows),
        scenarios=map(scenario_message, pack.scenarios),
    )


def pack(message: pb.DomainPack) -> Pack:
    """The pack in a message, not checked. Raises NumberNotFinite."""
    return Pack(
        display_name=message.display_name,
        description=message.description,
        entities=tuple(map(_entity, message.entities)),
        relationships=tuple(map(_relationship, message.relationships)),
        rules=tuple(map(_rule, message.rules)),
        edge_cases=tuple(map(_edge_case, message.edge_cases)),
        workflows=tuple(map(_workflow, message.workflows)),
        scenarios=tuple(map(_scenario, message.scenarios)),
    )


def entity_message(entity: Entity) -> pb.DomainEntity:
    """The entity as a message."""
    return pb.DomainEntity(
        name=entity.name,
        description=entity.description,
        fields=map(field_message, entity.fields),
        key=entity.key,
        uniques=[pb.FieldSet(fields=names) for names in entity.uniques],
        origin=entity.origin,
    )


def _entity(message: pb.DomainEntity) -> Entity:
    return Entity(
        name=message.name,
        description=message.description,
        fields=tuple(map(_field, message.fields)),
        key=tuple(message.key),
        uniques=tuple(tuple(names.fields) for names in message.uniques),
        origin=message.origin,
    )


def field_message(field: Field) -> pb.DomainField:
    """The field as a message."""
    message = pb.DomainField(
        name=field.name,
        type=enum_number(pb.DomainField.Type, "TYPE", field.type.name),
        description=field.description,
        unit=field.unit,
        currency=field.currency,
        nullable=field.nullable,
        unique=field.unique,
        format=field.format,
        precision=field.precision,
        scale=field.scale,
        derived=field.derived,
        generated=field.generated,
        support=_support_message(field.support),
    )
    _fill_bounds(message.bounds, field)
    _fill(message, "default", field.default)
    _fill(message, "example", field.example)
    _fill(message, "json_schema", field.json_schema)
    return message


def _field(message: pb.DomainField) -> Field:
    kind = enum_value(pb.DomainField.Type, "TYPE", message.type)
    return Field(
        name=message.name,
        type=FieldType[kind] if kind else FieldType.TEXT,
        description=message.description,
        unit=message.unit,
        currency=message.currency,
        nullable=message.nullable,
        unique=message.unique,
        format=message.format,
        precision=_given(message, "precision"),
        scale=_given(message, "scale"),
        default=value_json(message.default),
        example=value_json(message.example),
        derived=message.derived,
        json_schema=value_json(message.json_schema),
        generated=message.generated,
        support=_support(message),
        **_bounds(message.bounds),
    )


def relationship_message(relationship: Relationship) -> pb.DomainRelationship:
    """The relationship as a message."""
    return pb.DomainRelationship(
        child=relationship.child,
        child_fields=relationship.child_fields,
        parent=relationship.parent,
        parent_fields=relationship.parent_fields,
        child_name=relationship.child_name,
        parent_name=relationship.parent_name,
        minimum=relationship.minimum,
        maximum=relationship.maximum,
        required=relationship.required,
        proposed=relationship.proposed,
        support=_support_message(relationship.support),
        origin=relationship.origin,
    )


def _relationship(message: pb.DomainRelationship) -> Relationship:
    return Relationship(
        child=message.child,
        child_fields=tuple(message.child_fields),
        parent=message.parent,
        parent_fields=tuple(message.parent_fields),
        child_name=message.child_name,
        parent_name=message.parent_name,
        minimum=message.minimum,
        maximum=_given(message, "maximum"),
        required=message.required,
        proposed=message.proposed,
        support=_support(message),
        origin=message.origin,
    )


def rule_message(rule: Rule) -> pb.BusinessRule:
    """The rule as a message."""
    return pb.BusinessRule(
        id=rule.id,
        entity=rule.entity,
        text=rule.text,
        severity=enum_number(pb.BusinessRule.Severity, "SEVERITY", rule.severity.name),
        expression=rule.expression,
        proposed=rule.proposed,
        support=_support_message(rule.support),
        origin=rule.origin,
    )


def _rule(message: pb.BusinessRule) -> Rule:
    severity = enum_value(pb.BusinessRule.Severity, "SEVERITY", message.severity)
    return Rule(
        id=message.id,
        entity=message.entity,
        text=message.text,
        severity=Severity[severity] if severity else Severity.ERROR,
        expression=message.expression,
        proposed=message.proposed,
        support=_support(message),
        origin=message.origin,
    )


def edge_case_message(case: EdgeCase) -> pb.EdgeCase:
    """The edge case as a message."""
    message = pb.EdgeCase(
        id=case.id,
        entity=case.entity,
        category=enum_number(pb.EdgeCase.Category, "CATEGORY", case.category.name),
        text=case.text,
        field=case.field,
    )
    _fill(message, "value", case.value)
    return message


def _edge_case(message: pb.EdgeCase) -> EdgeCase:
    category = enum_value(pb.EdgeCase.Category, "CATEGORY", message.category)
    return EdgeCase(
        id=message.id,
        entity=message.entity,
        category=Category[category] if category else Category.BOUNDARY,
        text=message.text,
        field=message.field,
        value=value_json(message.value),
    )


def workflow_message(workflow: Workflow) -> pb.DomainWorkflow:
    """The workflow as a message."""
    return pb.DomainWorkflow(
        id=workflow.id,
        text=workflow.text,
        entities=workflow.entities,
        steps=[
            pb.DomainWorkflowStep(
                id=step.id, text=step.text, entity=step.entity, validations=step.validations, outcomes=step.outcomes
            )
            for step in workflow.steps
        ],
    )


def _workflow(message: pb.DomainWorkflow) -> Workflow:
    steps = (
        WorkflowStep(step.id, step.text, step.entity, tuple(step.validations), tuple(step.outcomes))
        for step in message.steps
    )
    return Workflow(message.id, message.text, tuple(message.entities), tuple(steps))


def scenario_message(scenario: Scenario) -> pb.DomainScenario:
    """The scenario as a message."""
    return pb.DomainScenario(
        id=scenario.id,
        text=scenario.text,
        workflow=scenario.workflow,
        entities=scenario.entities,
        weight=scenario.weight,
        edge_cases=scenario.edge_cases,
        constraints=map(constraint_message, scenario.constraints),
    )


def _scenario(message: pb.DomainScenario) -> Scenario:
    return Scenario(
        id=message.id,
        text=message.text,
        workflow=message.workflow,
        entities=tuple(message.entities),
        weight=message.weight,
        edge_cases=tuple(message.edge_cases),
        constraints=tuple(map(constraint, message.constraints)),
    )


def constraint_message(constraint: Constraint) -> pb.FieldConstraint:
    """The constraint as a message."""
    message = pb.FieldConstraint(entity=constraint.entity, field=constraint.field, nullable=constraint.nullable)
    _fill_bounds(message.bounds, constraint)
    return message


def constraint(message: pb.FieldConstraint) -> Constraint:
    """The constraint in a message. Raises NumberNotFinite."""
    return Constraint(
        entity=message.entity,
        field=message.field,
        nullable=_given(message, "nullable"),
        **_bounds(message.bounds),
    )


def _fill_bounds(message: pb.FieldBounds, bounds: Field | Constraint) -> None:
    _fill(message, "minimum", bounds.minimum)
    _fill(message, "maximum", bounds.maximum)
    for name in ("exclusive_minimum", "exclusive_maximum", "min_length", "pattern"):
        if value := getattr(bounds, name):
            setattr(message, name, value)
    if bounds.max_length is not None:
        message.max_length = bounds.max_length
    _fill_values(message.values, bounds.values)


def _bounds(message: pb.FieldBounds) -> dict[str, Any]:
    return {
        "minimum": value_json(message.minimum),
        "maximum": value_json(message.maximum),
        "exclusive_minimum": message.exclusive_minimum,
        "exclusive_maximum": message.exclusive_maximum,
        "min_length": message.min_length,
        "max_length": _given(message, "max_length"),
        "pattern": message.pattern,
        "values": tuple(map(value_json, message.values)),
    }


def _fill(message: Any, name: str, value: Json) -> None:
    """Write a JSON value into a field of a message, which stays unset for None."""
    if value is not None:
        fill_value(getattr(message, name), value)


def _fill_values(message: Any, values: Iterable[Json]) -> None:
    for value in values:
        fill_value(message.add(), value)


def _given(message: Message, name: str) -> Any:
    return getattr(message, name) if message.HasField(name) else None


def _support_message(support: Support | None) -> pb.Support | None:
    return None if support is None else pb.Support(held=support.held, seen=support.seen)


def _support(message: Any) -> Support | None:
    return Support(message.support.held, message.support.seen) if message.HasField("support") else None
