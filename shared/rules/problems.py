"""What is wrong with an expression, and where."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One sentence about one place. line, column: from 1."""

    line: int
    column: int
    sentence: str

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.sentence}"


class BadSyntax(Exception):
    """The expression is no expression of the language. problem: what is wrong with it, and where."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def place(source: str, offset: int) -> tuple[int, int]:
    """The line and the column of an offset in a text, both from 1."""
    before = source[:offset]
    return before.count("\n") + 1, offset - before.rfind("\n")
