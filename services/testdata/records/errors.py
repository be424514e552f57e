"""Why records cannot be generated."""

from shared.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, OutOfRange


class EntityUnknown(InvalidArgument):
    """The domain has no entity `{entity}`{hint}."""

    reason = "RECORD_ENTITY_UNKNOWN"


class ScenarioUnknown(InvalidArgument):
    """The domain has no scenario `{scenario}`{hint}."""

    reason = "RECORD_SCENARIO_UNKNOWN"


class ScenarioTwice(InvalidArgument):
    """The scenario `{scenario}` is named twice; name each once, with its share."""

    reason = "RECORD_SCENARIO_TWICE"


class DerivedInCircle(FailedPrecondition):
    """The field `{field}` is derived from fields that depend on it; derive it from others."""

    reason = "RECORD_DERIVED_IN_CIRCLE"


class ChildrenTooFew(InvalidArgument):
    """Each `{parent}` has at least {minimum} `{child}`, so there must be {needed} `{child}` or more, not {rows}."""

    reason = "RECORD_CHILDREN_TOO_FEW"


class ChildrenTooMany(InvalidArgument):
    """Each `{parent}` has at most {maximum} `{child}`, so there can be {most} `{child}`, not {rows}."""

    reason = "RECORD_CHILDREN_TOO_MANY"


class OthersTooFew(InvalidArgument):
    """No two `{child}` of a `{parent}` have the same `{other}`, so {rows} need more `{other}` or `{parent}`."""

    reason = "RECORD_OTHERS_TOO_FEW"


class ValuesTooFew(InvalidArgument):
    """No two `{entity}` have the same {fields}, and there are {values} combinations, fewer than {rows} records need."""

    reason = "RECORD_VALUES_TOO_FEW"


class UniqueSetRepeats(FailedPrecondition):
    """Some `{entity}` have the same {fields}, which no two may: another unique set has some of these fields too; give one of them more values, or make it unique alone."""  # noqa: E501

    reason = "RECORD_UNIQUE_SET_REPEATS"


class TooManyTogether(InvalidArgument):
    """There are only {rows} `{entity}`, so up to {most} records that refer to them can be made; ask for more."""

    reason = "RECORD_TOO_MANY_TOGETHER"


class RuleNotSatisfiable(FailedPrecondition):
    """The rule `{rule}` of `{entity}` ({text}) failed in {failed} of the first {tried} records; it needs {needs}."""

    reason = "RECORD_RULE_NOT_SATISFIABLE"


class RulesContradict(FailedPrecondition):
    """The rules `{rule}` ({text}) and `{other}` ({other_text}) of `{entity}` cannot both hold; change one of them."""

    reason = "RECORD_RULES_CONTRADICT"


class SchemaNotFound(NotFound):
    """There is no schema {name}{hint}."""

    reason = "SCHEMA_NOT_FOUND"


class SchemaExists(AlreadyExists):
    """The schema {name} already exists with other content; choose another name, or delete it first."""

    reason = "SCHEMA_EXISTS"


class CountTooLarge(InvalidArgument):
    """GenerateRecords makes up to {most} records of an entity, not {count} `{entity}`; use StreamRecords for more."""

    reason = "RECORD_COUNT_TOO_LARGE"


class RecordsTooLarge(OutOfRange):
    """The records have {size} bytes, more than {most} in one answer; use StreamRecords, or ask for fewer."""

    reason = "RECORDS_TOO_LARGE"


class EntityTwice(InvalidArgument):
    """The entity `{entity}` is named twice; name each once."""

    reason = "RECORD_ENTITY_TWICE"


class FormatNotInFiles(InvalidArgument):
    """ROWS are messages and no files; choose another format, such as PARQUET or JSONL."""

    reason = "RECORD_FORMAT_NOT_IN_FILES"


class RangeOutside(OutOfRange):
    """The range begins with record {first}, and there are {count} `{entity}`."""

    reason = "RECORD_RANGE_OUTSIDE"


class SampleInvalid(InvalidArgument):
    """The sample rows are not records of `{entity}`; see the field violations."""

    reason = "RECORD_SAMPLE_INVALID"


class SampleEntityUnknown(InvalidArgument):
    """There are sample rows of `{entity}`, and the domain has no such entity{hint}."""

    reason = "RECORD_SAMPLE_ENTITY_UNKNOWN"


class SampleTwice(InvalidArgument):
    """There are sample rows of `{entity}` twice; give all of them at once."""

    reason = "RECORD_SAMPLE_TWICE"
