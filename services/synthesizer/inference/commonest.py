"""Finds the commonest of many texts in bounded memory."""


class Commonest:
    """Counts texts. When there are more than `most` different ones, the rarer half is forgotten."""

    def __init__(self, most: int) -> None:
        self.counts: dict[str, int] = {}
        self.total = 0
        self._most = most

    def add(self, text: str) -> None:
        """Count a text once more."""
        self.total += 1
        self.counts[text] = self.counts.get(text, 0) + 1
        if len(self.counts) > self._most:
            kept = sorted(self.counts, key=lambda one: -self.counts[one])[: self._most // 2]
            self.counts = {one: self.counts[one] for one in kept}

    def best(self) -> tuple[str, int]:
        """The commonest text, the first of equals, and its count; ("", 0) if there is none."""
        return max(self.counts.items(), key=lambda item: item[1], default=("", 0))
