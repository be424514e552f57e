"""Places in a file."""

from bisect import bisect_right

MAX_CONSTRUCT = 200
"""The most characters of a construct that is shown."""


class Lines:
    """The lines of a text. file: its name."""

    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._starts = [0]
        at = text.find("\n")
        while at >= 0:
            self._starts.append(at + 1)
            at = text.find("\n", at + 1)

    def line(self, offset: int) -> int:
        """The number of the line, from 1, that has the character at an offset."""
        return bisect_right(self._starts, offset)

    def place(self, offset: int) -> str:
        """The file and the line of an offset."""
        return f"{self._file}: line {self.line(offset)}"

    def origin(self, offset: int) -> str:
        """The line of an offset, as a pack says where something was found."""
        return f"line {self.line(offset)}"


def shown(construct: str) -> str:
    """A construct on one line, cut if it is long."""
    flat = " ".join(construct.split())
    return flat if len(flat) <= MAX_CONSTRUCT else f"{flat[: MAX_CONSTRUCT - 1]}…"
