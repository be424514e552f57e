"""What a batch may spend on models."""

from dataclasses import dataclass

from shared.model.events import Usage


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that may be spent; at least one of the two is set.

    tokens: of input and output together. nanos: billionths of the currency of the price file.
    """

    tokens: int | None = None
    nanos: int | None = None

    def reached(self, spent: Usage) -> str:
        """What of the budget is spent, as the rest of a sentence; "" if it is not reached."""
        tokens = spent.input_tokens + spent.output_tokens
        if self.tokens is not None and tokens >= self.tokens:
            return f"{tokens:,} of {self.tokens:,} tokens"
        if self.nanos is not None and spent.nanos >= self.nanos:
            return f"{spent.nanos / 1e9:.4f} of {self.nanos / 1e9:.4f}, by the price file"
        return ""


BUDGET_REACHED = "BUDGET_REACHED"
"""Why a conversation ended that needed another call, and why its batch did."""
