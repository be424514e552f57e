"""The base class of all steps, and the context in which a step is checked."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from shared.errors import Violation
from shared.model.conditions import RESULTS, Conditions
from shared.model.events import Json
from shared.model.steps.actions import Player
from shared.model.templates import BadTemplate, check_template

Schema = Mapping[str, Json]
"""A JSON Schema; empty allows everything."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that the agent may call. required: no rehearsal starts without a mock for it."""

    name: str
    description: str = ""
    arguments_schema: Schema = field(default_factory=dict)
    result_schema: Schema = field(default_factory=dict)
    required: bool = False

    def takes(self, argument: str) -> bool:
        """True if the arguments schema names the argument, or names no arguments at all."""
        properties: Json = self.arguments_schema.get("properties")
        return not isinstance(properties, dict) or not properties or argument in properties


@dataclass(frozen=True, slots=True)
class CheckContext:
    """The rest of the revision, which a step is checked against.

    slots: the names of all slots that some step asks for.
    schema_error: returns what is wrong with a JSON Schema, or None.
    near: returns ", did you mean …?" for a misspelt name, or "".
    """

    ids: Collection[str]
    slots: Collection[str]
    tools: Mapping[str, Tool]
    conditions: Conditions
    schema_error: Callable[[Schema], str | None]
    near: Callable[[str, Iterable[str]], str]

    def template(self, name: str, text: str) -> Iterator[Violation]:
        """Check the template in the field `name`."""
        try:
            check_template(text, (*self.slots, RESULTS))
        except BadTemplate as bad:
            yield Violation(name, str(bad))


@dataclass(frozen=True, slots=True, kw_only=True)
class Step(ABC):
    """One step of a procedure. id: its name in branches; may be empty.

    A kind's fields are those of its proto message, by name and type: text, flag, count, a JSON Schema, or a mapping of
    names to names. So messages, stored documents and files are read and written for all kinds alike.
    """

    kind: ClassVar[str]
    """The name of the kind in the proto's oneof, in stored documents and in files."""
    longest: ClassVar[Mapping[str, int]] = {}
    """The most characters that each text field may have, as in the proto."""

    id: str = ""

    @property
    def fills(self) -> tuple[str, ...]:
        """The slots that the step fills."""
        return ()

    @abstractmethod
    def check(self, context: CheckContext) -> Iterator[Violation]:
        """What is wrong with the step, by field of its message."""

    @abstractmethod
    def told(self) -> str:
        """The step as an instruction in the system text of the procedure agent."""

    @abstractmethod
    def play(self, player: Player) -> Iterable[Any]:
        """Play the step; yields the agent's actions."""
