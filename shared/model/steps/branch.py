"""The step `branch`."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from shared.errors import Violation
from shared.model.expressions import BadExpression
from shared.model.steps.actions import Player
from shared.model.steps.base import CheckContext, Step


@dataclass(frozen=True, slots=True)
class Branch(Step):
    """Continue at step `then` if the CEL condition holds, else at `otherwise`, or at the next step if that is empty."""

    kind: ClassVar[str] = "branch"
    longest: ClassVar[Mapping[str, int]] = {"condition": 2_000, "then": 64, "otherwise": 64}

    condition: str
    then: str
    otherwise: str = ""

    def check(self, context: CheckContext) -> Iterator[Violation]:
        try:
            context.conditions.compile(self.condition)
        except BadExpression as bad:
            yield Violation("condition", str(bad))
        for name, target in (("then", self.then), ("otherwise", self.otherwise)):
            if target not in context.ids and (target or name == "then"):
                yield Violation(name, f"There is no step `{target}`{context.near(target, context.ids)}.")

    def told(self) -> str:
        if self.condition.strip() == "true":
            return f"Go on with the step {self.then}."
        otherwise = f", else with the step {self.otherwise}" if self.otherwise else ""
        return f"If {self.condition}, go on with the step {self.then}{otherwise}."

    def play(self, player: Player) -> Iterable[Any]:
        player.go_to(self.then if player.holds(self.condition) else self.otherwise)
        return ()
