"""What is kept in memory because it is asked for again and again, and cannot change."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Kept(Generic[K, V]):
    """The values used last, as many as weigh no more than limit together; weights are in whatever the limit is in."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._weight = 0
        self._values: OrderedDict[K, tuple[V, int]] = OrderedDict()

    def get(self, key: K) -> V | None:
        """The value, which thereby is the one used last; None if it is not kept."""
        found = self._values.get(key)
        if found is None:
            return None
        self._values.move_to_end(key)
        return found[0]

    def put(self, key: K, value: V, weight: int = 1) -> None:
        """Keep a value as the one used last, and let go of those used longest ago; one beyond the limit is not kept."""
        _, before = self._values.pop(key, (value, 0))
        self._values[key] = value, weight
        self._weight += weight - before
        while self._weight > self._limit:
            _, (_, gone) = self._values.popitem(last=False)
            self._weight -= gone
