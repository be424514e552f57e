"""A batch whose budget is spent asks no model."""

import pytest

from shared.llm.base import ChatReply
from shared.llm.budget import Accounts, Budgeted, BudgetReached
from shared.model.events import NO_USAGE, Usage
from shared.model.spending import Budget
from tests.unit.llm.asking import Asked, of

REPLY = ChatReply("Hello.", usage=Usage(1, 10, 5, nanos=200))


def budgeted(budget: Budget | None, spent: Usage = NO_USAGE) -> tuple[Budgeted, Asked]:
    """A model whose batches all have this budget, of which this is spent, and the model itself."""
    model = Asked(lambda _: REPLY)

    async def read(_: str) -> tuple[Budget | None, Usage]:
        return budget, spent

    return Budgeted(model, Accounts(read)), model


@pytest.mark.parametrize(
    ("budget", "spent", "said"),
    [
        (Budget(tokens=30), NO_USAGE, "30 of 30 tokens"),
        (Budget(nanos=400), NO_USAGE, "by the price file"),
        (Budget(tokens=1_000, nanos=400), NO_USAGE, "by the price file"),
        (Budget(tokens=45), Usage(1, 10, 5), "45 of 45 tokens"),
    ],
)
async def test_calls_are_answered_until_the_budget_is_spent(budget: Budget, spent: Usage, said: str) -> None:
    asked, model = budgeted(budget, spent)
    for _ in range(2):
        await asked.complete(of("acme", "batches/b"))

    with pytest.raises(BudgetReached, match=f"The budget of batches/b is spent: .*{said}"):
        await asked.complete(of("acme", "batches/b"))
    assert len(model.requests) == 2


async def test_a_batch_does_not_spend_the_budget_of_another() -> None:
    asked, model = budgeted(Budget(tokens=1))
    for batch in ("batches/a", "batches/b"):
        await asked.complete(of("acme", batch))
    assert len(model.requests) == 2


@pytest.mark.parametrize(("budget", "batch"), [(None, "batches/b"), (Budget(tokens=1), "")])
async def test_without_a_budget_or_a_batch_nothing_is_refused(budget: Budget | None, batch: str) -> None:
    asked, model = budgeted(budget)
    for _ in range(3):
        await asked.complete(of("acme", batch))
    assert len(model.requests) == 3
