"""Reads expressions by the grammar of grammar.lark."""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, time
from functools import cache
from pathlib import Path as File
from typing import Any, cast

from lark import Lark, Token
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from shared.model.work_budget import spend
from shared.rules.money import TooManyDecimals, read_money
from shared.rules.problems import BadSyntax, Problem, place
from shared.rules.syntax import (
    LARGEST,
    Arithmetic,
    Call,
    Choice,
    Comparison,
    Duration,
    IsNull,
    Literal,
    Logic,
    Matches,
    Member,
    Negation,
    Node,
    Path,
    Sign,
    Value,
    Where,
    parts,
)
from shared.words import any_of
from shared.yaml import near

MAX_CHARACTERS = 4_000
MAX_PARTS = 400
MAX_DEPTH = 50
"""The most characters and parts of an expression, and how deep its parts may nest."""

KEYWORDS = frozenset("if then else or and not in matches is null true false".split())
_ESCAPES = {"\\": "\\", '"': '"', "n": "\n", "t": "\t", "r": "\r"}
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)")
_MOMENTS: dict[str, tuple[Callable[[str], date | datetime | time], str]] = {
    "date": (date.fromisoformat, "2026-01-31"),
    "datetime": (datetime.fromisoformat, "2026-01-31T18:30:00Z"),
    "time": (time.fromisoformat, "18:30:00"),
}
"""How the text of a moment is read, and an example."""


def parse(source: str) -> Node:
    """Read an expression. Raises BadSyntax."""
    spend(1 + len(source))
    if len(source) > MAX_CHARACTERS:
        raise BadSyntax(
            Problem(1, 1, f"The rule has {len(source):,} characters; up to {MAX_CHARACTERS:,} are allowed. Split it.")
        )
    if not source.strip():
        raise BadSyntax(Problem(1, 1, "The rule is empty; write an expression such as `quantity > 0`."))
    try:
        node: Any = _parser().parse(source)
    except _Refused as refused:
        raise BadSyntax(Problem(*place(source, refused.offset), refused.sentence)) from None
    except UnexpectedInput as error:
        raise BadSyntax(_unexpected(source, error)) from None
    _check_size(source, node)
    return cast(Node, node)


@cache
def _parser() -> Lark:
    # Building the tables takes about 60 ms; reading a rule takes 0.2 ms.
    grammar = File(__file__).with_name("grammar.lark").read_text()
    return Lark(grammar, parser="lalr", lexer="basic", transformer=_Builder())


class _Refused(Exception):
    def __init__(self, offset: int, sentence: str) -> None:
        super().__init__(sentence)
        self.offset = offset
        self.sentence = sentence


def _check_size(source: str, node: Node) -> None:
    level: list[Node] = [node]
    count = depth = 0
    while level:
        count += len(level)
        depth += 1
        if count > MAX_PARTS or depth > MAX_DEPTH:
            what = f"has more than {MAX_PARTS} parts" if count > MAX_PARTS else f"nests deeper than {MAX_DEPTH}"
            raise BadSyntax(Problem(*place(source, level[-1].where[0]), f"The rule {what}; split it."))
        level = [part for one in level for part in parts(one)]


def _span(parts: Sequence[Any]) -> Where:
    ends = [_where(part) for part in parts if part is not None]
    return ends[0][0], ends[-1][1]


def _where(part: Any) -> Where:
    return cast(Where, (part.start_pos, part.end_pos) if isinstance(part, Token) else part.where)


class _Builder:
    """Makes the parts of an expression while it is read. Each method has the name of an alternative in the grammar."""

    def choice(self, parts: Sequence[Any]) -> Node:
        return Choice(parts[1], parts[3], parts[5], _span(parts))

    def logic(self, parts: Sequence[Any]) -> Node:
        return Logic(str(parts[1]), parts[0], parts[2], _span(parts))

    def negation(self, parts: Sequence[Any]) -> Node:
        return Negation(parts[1], _span(parts))

    def comparison(self, parts: Sequence[Any]) -> Node:
        return Comparison(str(parts[1]), parts[0], parts[2], _span(parts))

    def member(self, parts: Sequence[Any]) -> Node:
        return Member(parts[0], tuple(parts[3:-1]), parts[1] is not None, _span(parts))

    def matches(self, parts: Sequence[Any]) -> Node:
        pattern = _text(parts[3])
        return Matches(parts[0], pattern, parts[1] is not None, _span(parts), _where(parts[3]))

    def is_null(self, parts: Sequence[Any]) -> Node:
        return IsNull(parts[0], parts[2] is not None, _span(parts))

    def arithmetic(self, parts: Sequence[Any]) -> Node:
        return Arithmetic(str(parts[1]), parts[0], parts[2], _span(parts))

    def sign(self, parts: Sequence[Any]) -> Node:
        return Sign(parts[1], _span(parts))

    def integer(self, parts: Sequence[Token]) -> Node:
        return Literal(_integer(parts[0], str(parts[0])), _span(parts))

    def decimal(self, parts: Sequence[Token]) -> Node:
        value = float(parts[0])
        if value == float("inf"):
            raise _Refused(_where(parts[0])[0], f"The number {parts[0]} is too large.")
        return Literal(value, _span(parts))

    def text(self, parts: Sequence[Token]) -> Node:
        return Literal(_text(parts[0]), _span(parts))

    def raw_text(self, parts: Sequence[Token]) -> Node:
        return Literal(_text(parts[0]), _span(parts))

    def boolean(self, parts: Sequence[Token]) -> Node:
        return Literal(parts[0] == "true", _span(parts))

    def null(self, parts: Sequence[Token]) -> Node:
        return Literal(None, _span(parts))

    def money(self, parts: Sequence[Token]) -> Node:
        try:
            money = read_money(parts[0])
        except TooManyDecimals as error:
            raise _Refused(_where(parts[0])[0], str(error)) from None
        _integer(parts[0], str(money.minor_units))
        return Literal(money, _span(parts))

    def duration(self, parts: Sequence[Token]) -> Node:
        count, unit = parts[0].split()
        duration = Duration(_integer(parts[0], count), unit.removesuffix("s"))
        if duration.microseconds > LARGEST:
            raise _Refused(_where(parts[0])[0], f"{parts[0]} is too long; durations have up to 292,000 years.")
        return Literal(duration, _span(parts))

    def path(self, parts: Sequence[Token]) -> Node:
        names = (name[1:-1].replace("``", "`") if name.type == "QUOTED_NAME" else str(name) for name in parts)
        return Path(tuple(names), _span(parts))

    def call(self, parts: Sequence[Any]) -> Node:
        name, arguments = str(parts[0]), tuple(part for part in parts[1:-1] if part is not None)
        if name in _MOMENTS and len(arguments) == 1:
            (only,) = arguments
            if isinstance(only, Literal) and isinstance(only.value, str):
                return Literal(_moment(name, only), _span(parts))
        return Call(name, arguments, _span(parts), _where(parts[0]))


def _integer(token: Token, digits: str) -> int:
    # Python refuses to read thousands of digits.
    if len(digits.lstrip("0")) > 19 or int(digits) > LARGEST:
        raise _Refused(_where(token)[0], f"{token} is too large; the largest integer here is {LARGEST:,}.")
    return int(digits)


def _text(token: Token) -> str:
    def escape(found: re.Match[str]) -> str:
        what = found[1]
        if what.startswith("u") and len(what) == 5 and not 0xD800 <= int(what[1:], 16) < 0xE000:
            return chr(int(what[1:], 16))
        if what not in _ESCAPES:
            raise _Refused(
                _where(token)[0] + 1 + found.start(),
                f"`{found[0]}` stands for no character; write `\\\\` for a backslash, or use single quotes, in which "
                "every character stands for itself.",
            )
        return _ESCAPES[what]

    text = str(token)[1:-1]
    return text if token.type == "RAW_TEXT" else _ESCAPE.sub(escape, text)


def _moment(kind: str, literal: Literal) -> Value:
    read, example = _MOMENTS[kind]
    text = str(literal.value)
    try:
        value = read(text)
    except ValueError:
        raise _Refused(literal.where[0], f'`{text[:40]}` is no {kind}; write it as in `{kind}("{example}")`.') from None
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, time) and value.tzinfo:
        raise _Refused(literal.where[0], "A time has no time zone; use a datetime.")
    return value


_INSTEAD = {
    "=": "compare with `==`",
    "&": "write `and`",
    "|": "write `or`",
    "!": "write `not`",
    "^": "there are no powers",
    "?": "write `if … then … else …`",
    ";": "a rule is one expression",
    "#": "there are no comments",
    '"': "a text ends with the quote that it begins with, on the same line",
    "'": "a text ends with the quote that it begins with, on the same line",
    "`": "a name ends with the backquote that it begins with, on the same line",
    "<>": "write `!=`",
    "**": "there are no powers",
}
_WORDS = {"TEXT": "a text in quotes", "END": "`)`", "CLOSE": "`]`", "LSQB": "`[`", "COMMA": "`,`", "$END": "the end"}
_VALUE = {"INTEGER", "NAME"}
_OPERATOR = {"PLUS", "COMPARED"}


def _unexpected(source: str, error: UnexpectedInput) -> Problem:
    """One sentence about what stands where the grammar has no place for it."""
    if isinstance(error, UnexpectedCharacters):
        offset = error.pos_in_stream or 0
        text, expected = source[offset], None
        instead = _INSTEAD.get(text)
        if text.isdigit():
            instead = "a number stands apart from letters, and has digits on both sides of its point"
    else:
        assert isinstance(error, UnexpectedToken)
        token = error.token
        ended = token.type == "$END"
        offset = len(source.rstrip()) if ended else token.start_pos or 0
        text, expected = "" if ended else str(token), error.accepts or error.expected
        instead = None if ended else _INSTEAD.get(source[offset - 1 : offset + 1]) or _keyword(text)
    found = f"`{text[:40]}` is not expected here" if text else "The rule ends too early"
    hint = f"; {instead}." if instead else f"; {_expected(expected)} can stand here." if expected else "."
    if text in KEYWORDS and expected and "NAME" in expected:
        hint = f"; a value can stand here. If it is a name, write `` `{text}` ``."
    return Problem(*place(source, offset), found + hint)


def _keyword(text: str) -> str | None:
    """What to write for a word that is nearly one of the language."""
    if text in KEYWORDS or text.lower() not in KEYWORDS:
        return None
    return f"words of the language are in lower case{near(text.lower(), KEYWORDS)}"


def _expected(terminals: Iterable[str]) -> str:
    names = set(terminals)
    if names >= _VALUE:
        return "a value"
    words = ["an operator"] if names >= _OPERATOR else ["a name"] if "NAME" in names else []
    words += [_WORDS[name] for name in sorted(names) if name in _WORDS]
    words += [
        f"`{name.lower()}`" for name in sorted(names - _OPERATOR) if name.lower() in KEYWORDS and not names >= _OPERATOR
    ]
    return any_of(words)
