"""SQL as tokens, in the quotes and comments of its dialect."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a token is. NAME is a quoted name; WORD a name or a keyword without quotes."""

    WORD = "word"
    NAME = "name"
    TEXT = "text"
    NUMBER = "number"
    MARK = "mark"


@dataclass(frozen=True, slots=True)
class Token:
    """One token. text: without its quotes. start, end: its offsets in the file."""

    kind: Kind
    text: str
    start: int
    end: int

    def is_word(self, *words: str) -> bool:
        """True if it is one of these keywords, which are written in upper case here."""
        return self.kind is Kind.WORD and self.text.upper() in words


class NotClosed(Exception):
    """A quote or a comment that nothing closes. offset: where it was opened."""

    def __init__(self, what: str, offset: int) -> None:
        super().__init__(f"the {what} that starts here is not closed")
        self.offset = offset


_BACKSLASHES = frozenset({"mysql", "bigquery", "snowflake"})
_BACKQUOTES = frozenset({"mysql", "sqlite", "bigquery"})
_BRACKETS = frozenset({"tsql", "sqlite"})
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "b": "\b", "f": "\f", "Z": "\x1a"}

_SPACE = re.compile(r"\s+")
_WORD = re.compile(r"[^\W\d][\w$#@]*|[@#:][@\w$#]+")
_NUMBER = re.compile(r"(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_MARK = re.compile(r"::|:=|<=>|<=|>=|<>|!=|!~~\*|!~~|!~\*|!~|~~\*|~~|~\*|->>|->|\|\||&&|.", re.DOTALL)
_PLAIN_TEXT = re.compile(r"'((?:[^']|'')*)'")
_ESCAPED_TEXT = re.compile(r"'((?:[^'\\]|''|\\.)*)'", re.DOTALL)
_PREFIXED_TEXT = re.compile(r"(?:[eEnNbBxX]|_\w+ ?)(?=')")
_DOUBLE = re.compile(r'"((?:[^"]|"")*)"')
_BACK = re.compile(r"`((?:[^`]|``)*)`")
_BRACKET = re.compile(r"\[((?:[^\]]|\]\])*)\]")
_DOLLAR = re.compile(r"\$(\w*)\$")
_COMMENT_MARK = re.compile(r"/\*|\*/")


def tokens(text: str, dialect: str, start: int = 0) -> Iterator[Token]:
    """The tokens from an offset on. Raises NotClosed."""
    offset = start
    while (offset := skip(text, offset, dialect)) < len(text):
        token = _token(text, offset, dialect)
        yield token
        offset = token.end


def skip(text: str, offset: int, dialect: str) -> int:
    """The offset after white space and comments. Raises NotClosed."""
    while offset < len(text):
        if space := _SPACE.match(text, offset):
            offset = space.end()
        elif text.startswith("--", offset) or (dialect == "mysql" and text[offset] == "#"):
            end = text.find("\n", offset)
            offset = len(text) if end < 0 else end
        elif text.startswith("/*", offset):
            offset = _comment_end(text, offset, nested=dialect == "postgres")
        else:
            break
    return offset


def _comment_end(text: str, start: int, *, nested: bool) -> int:
    depth = 0
    for mark in _COMMENT_MARK.finditer(text, start):
        if mark.group() == "*/":
            depth -= 1
        elif nested or depth == 0:
            depth += 1
        if depth == 0:
            return mark.end()
    raise NotClosed("comment", start)


def _token(text: str, start: int, dialect: str) -> Token:
    character = text[start]
    if prefix := _PREFIXED_TEXT.match(text, start):
        escaped = dialect in _BACKSLASHES or prefix.group() in "eE"
        return _quoted_text(text, start, prefix.end(), escaped=escaped)
    if character == "'":
        return _quoted_text(text, start, start, escaped=dialect in _BACKSLASHES)
    if character == '"':
        kind = Kind.TEXT if dialect in {"mysql", "bigquery"} else Kind.NAME
        return _quoted_name(_DOUBLE, text, start, kind)
    if character == "`" and dialect in _BACKQUOTES:
        return _quoted_name(_BACK, text, start, Kind.NAME)
    if character == "[" and dialect in _BRACKETS:
        return _quoted_name(_BRACKET, text, start, Kind.NAME)
    if character == "$" and dialect == "postgres" and (opened := _DOLLAR.match(text, start)):
        closed = text.find(opened.group(), opened.end())
        if closed < 0:
            raise NotClosed("text", start)
        return Token(Kind.TEXT, text[opened.end() : closed], start, closed + len(opened.group()))
    for kind, pattern in ((Kind.WORD, _WORD), (Kind.NUMBER, _NUMBER), (Kind.MARK, _MARK)):
        if found := pattern.match(text, start):
            return Token(kind, found.group(), start, found.end())
    raise AssertionError("_MARK matches every character")


def _quoted_text(text: str, start: int, quote: int, *, escaped: bool) -> Token:
    found = (_ESCAPED_TEXT if escaped else _PLAIN_TEXT).match(text, quote)
    if found is None:
        raise NotClosed("text", start)
    value = found.group(1)
    if escaped and "\\" in value:
        value = re.sub(r"\\(.)", lambda one: _ESCAPES.get(one[1], one[1]), value, flags=re.DOTALL)
    return Token(Kind.TEXT, value.replace("''", "'"), start, found.end())


def _quoted_name(pattern: re.Pattern[str], text: str, start: int, kind: Kind) -> Token:
    found = pattern.match(text, start)
    if found is None:
        raise NotClosed("quoted name", start)
    closing = found.group()[-1]
    return Token(kind, found.group(1).replace(closing * 2, closing), start, found.end())
