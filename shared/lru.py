"""A cache in memory that drops the least recently used values."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class LruCache(Generic[K, V]):
    """Holds values up to a total weight. The caller chooses the unit of the weights, such as entries or bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._weight = 0
        self._values: OrderedDict[K, tuple[V, int]] = OrderedDict()

    def get(self, key: K) -> V | None:
        """The cached value, or None. It becomes the most recently used one."""
        found = self._values.get(key)
        if found is None:
            return None
        self._values.move_to_end(key)
        return found[0]

    def put(self, key: K, value: V, weight: int = 1) -> None:
        """Cache a value, then drop the least recently used ones until the limit holds."""
        _, before = self._values.pop(key, (value, 0))
        self._values[key] = value, weight
        self._weight += weight - before
        while self._weight > self._limit:
            _, (_, dropped) = self._values.popitem(last=False)
            self._weight -= dropped

    def drop(self, key: K) -> None:
        """Remove a value, if it is cached."""
        _, weight = self._values.pop(key, (None, 0))
        self._weight -= weight
