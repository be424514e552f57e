"""Why records cannot be generated."""

from shared.errors import FailedPrecondition, InvalidArgument


class EntityUnknown(InvalidArgument):
    """The domain has no entity `{entity}`{hint}."""

    reason = "RECORD_ENTITY_UNKNOWN"


class ScenarioUnknown(InvalidArgument):
    """The domain has no scenario `{scenario}`{hint}."""

    reason = "RECORD_SCENARIO_UNKNOWN"


class ReferencesInCircle(FailedPrecondition):
    """No record can be the first: {entities} must refer to each other; make one of these references optional."""

    reason = "RECORD_REFERENCES_IN_CIRCLE"


class DerivedInCircle(FailedPrecondition):
    """The field `{field}` is derived from fields that depend on it; derive it from others."""

    reason = "RECORD_DERIVED_IN_CIRCLE"


class ChildrenTooFew(InvalidArgument):
    """Each `{parent}` has at least {minimum} `{child}`, so there must be {needed} `{child}` or more, not {rows}."""

    reason = "RECORD_CHILDREN_TOO_FEW"


class ChildrenTooMany(InvalidArgument):
    """Each `{parent}` has at most {maximum} `{child}`, so there can be {most} `{child}`, not {rows}."""

    reason = "RECORD_CHILDREN_TOO_MANY"


class ValuesTooFew(InvalidArgument):
    """No two `{entity}` have the same {fields}, and there are {values} combinations, fewer than {rows} records need."""

    reason = "RECORD_VALUES_TOO_FEW"


class TooManyTogether(InvalidArgument):
    """There are only {rows} `{entity}`, so at most {most} records that refer to them can be made; ask for more of them."""

    reason = "RECORD_TOO_MANY_TOGETHER"


class RuleNotSatisfiable(FailedPrecondition):
    """Generation cannot hold the rule `{rule}` of `{entity}` ({text}): it failed in {failed} of {tried} trial records. It
    would need {needs}."""

    reason = "RECORD_RULE_NOT_SATISFIABLE"
