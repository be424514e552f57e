"""Errors of calls about contexts."""

from shared.errors import InvalidArgument, NotFound


class EntityNotFound(NotFound):
    """The domain {domain} has no entity `{name}`{near}."""

    reason = "ENTITY_NOT_FOUND"


class EntityNotNamed(InvalidArgument):
    """A request names the entity of {domain} that it is about; this one names none."""

    reason = "ENTITY_NOT_NAMED"


class ContextTooLarge(InvalidArgument):
    """The context is larger than one message of 4 MiB can hold; name an entity with fewer fields, or a workflow."""

    reason = "CONTEXT_TOO_LARGE"


class WorkflowNotFound(NotFound):
    """The domain {domain} has no workflow `{name}`{near}."""

    reason = "DOMAIN_WORKFLOW_NOT_FOUND"


class ScenarioNotFound(NotFound):
    """The domain {domain} has no scenario `{name}`{near}."""

    reason = "SCENARIO_NOT_FOUND"


class ConstraintInvalid(InvalidArgument):
    """{of} is not possible: {why}."""

    reason = "CONSTRAINT_INVALID"


class ConstraintsContradict(InvalidArgument):
    """For `{field}`, {asked}; no value can be {together}."""

    reason = "CONSTRAINTS_CONTRADICT"
