"""Whether arguments and resources match what a rule or an operation wants."""

from collections.abc import Mapping

from shared.model.events import Json


def matches(wanted: Json, there: Json) -> bool:
    """True if the value `there` matches `wanted`; see ToolRule."""
    if isinstance(wanted, Mapping):
        return isinstance(there, Mapping) and all(
            name in there and matches(value, there[name]) for name, value in wanted.items()
        )
    if isinstance(wanted, str):
        return isinstance(there, str) and wanted.strip().casefold() == there.strip().casefold()
    if isinstance(wanted, bool) or isinstance(there, bool):
        return wanted is there
    if isinstance(wanted, list):
        return (
            isinstance(there, list)
            and len(wanted) == len(there)
            and all(matches(left, right) for left, right in zip(wanted, there, strict=True))
        )
    return bool(wanted == there)
