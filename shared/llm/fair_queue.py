"""A queue that takes turns between companies, and in each company between its batches."""

from collections import OrderedDict
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Waiting items. Each company is served once before any is served again, and so is each batch of a company.

    Every method takes the same time however many items wait.
    """

    def __init__(self) -> None:
        self._companies: OrderedDict[str, OrderedDict[str, OrderedDict[T, None]]] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._companies)

    def push(self, company: str, batch: str, item: T) -> None:
        """Add the item behind those of its batch."""
        self._companies.setdefault(company, OrderedDict()).setdefault(batch, OrderedDict())[item] = None

    def first(self) -> T:
        """The item that `pop` would return. The queue must not be empty."""
        batches = next(iter(self._companies.values()))
        return next(iter(next(iter(batches.values()))))

    def pop(self) -> T:
        """Remove the next item and return it. The queue must not be empty."""
        company, batches = next(iter(self._companies.items()))
        batch, items = next(iter(batches.items()))
        item, _ = items.popitem(last=False)
        batches.move_to_end(batch)
        self._companies.move_to_end(company)
        self._prune(company, batch)
        return item

    def discard(self, company: str, batch: str, item: T) -> None:
        """Remove the item if it still waits."""
        items = self._companies.get(company, OrderedDict()).get(batch)
        if items is not None and item in items:
            del items[item]
            self._prune(company, batch)

    def _prune(self, company: str, batch: str) -> None:
        batches = self._companies[company]
        if not batches[batch]:
            del batches[batch]
        if not batches:
            del self._companies[company]
