"""The OpenFeature provider that is built in: a YAML file of flags."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from openfeature.evaluation_context import EvaluationContext
from openfeature.flag_evaluation import FlagResolutionDetails, Reason
from openfeature.provider.in_memory_provider import InMemoryProvider

from shared import yaml
from shared.errors import GreenroomError
from shared.flags.feature import Feature

_log = structlog.get_logger(__name__)
_HOW = "write true, false, or a list such as `- {company: acme, environment: staging, enabled: false}`"


@dataclass(frozen=True, slots=True)
class Rule:
    """Turns a feature on or off where its company and its environment are these; "" is any."""

    enabled: bool
    company: str = ""
    environment: str = ""

    def holds(self, where: Mapping[str, object]) -> bool:
        """True for these attributes of an evaluation context."""
        return self.company in ("", where.get("company")) and self.environment in ("", where.get("environment"))


Flags = Mapping[str, Sequence[Rule]]


class FileProvider(InMemoryProvider):
    """The flags of a file, which is read again when it changes. If it cannot be read then, the flags stay as they were.

    Raises BadYaml for a file that is wrong at the start, and OSError for one that is not there.
    """

    def __init__(self, path: Path) -> None:
        super().__init__({})
        self._path = path
        self._state = _state(path)
        self._flags_of_file = parse(path.read_bytes(), path.name)

    def resolve_boolean_details(
        self, flag_key: str, default_value: bool, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[bool]:
        """The first rule that holds; the default if none does."""
        self._read_again()
        where = evaluation_context.attributes if evaluation_context else {}
        for rule in self._flags_of_file.get(flag_key, ()):
            if rule.holds(where):
                return FlagResolutionDetails(rule.enabled, reason=Reason.TARGETING_MATCH)
        return FlagResolutionDetails(default_value, reason=Reason.DEFAULT)

    async def resolve_boolean_details_async(
        self, flag_key: str, default_value: bool, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[bool]:
        """As `resolve_boolean_details`."""
        return self.resolve_boolean_details(flag_key, default_value, evaluation_context)

    def _read_again(self) -> None:
        try:
            if (state := _state(self._path)) == self._state:
                return
            text = self._path.read_bytes()
            if not text:
                return  # it is being written; that all features are on would be wrong
            self._state = state
            self._flags_of_file = parse(text, self._path.name)
        except (OSError, GreenroomError) as error:
            _log.warning("flags_not_read", file=str(self._path), why=str(error))


def parse(text: bytes, file: str) -> Flags:
    """The rules of each feature that the file names. Raises BadYaml."""
    content = yaml.load(text, file)
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise yaml.BadYaml(file=file, why="write features and whether they are on, as in `previews: false`")
    if unknown := yaml.unknown_keys(content, list(Feature)):
        raise yaml.BadYaml(file=file, why=f"there is no feature {unknown[0]}")
    return {name: _rules(name, value, file) for name, value in content.items()}


def _rules(name: str, value: Any, file: str) -> Sequence[Rule]:
    if isinstance(value, bool):
        return (Rule(value),)
    if not isinstance(value, list) or not all(_is_rule(item) for item in value):
        raise yaml.BadYaml(file=file, why=f"`{name}` is no flag; {_HOW}")
    return tuple(Rule(**item) for item in value)


def _is_rule(item: Any) -> bool:
    kinds = {"enabled": bool, "company": str, "environment": str}
    if not isinstance(item, dict) or "enabled" not in item:
        return False
    return all(isinstance(value, kinds.get(key, ())) for key, value in item.items())


def _state(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size
