"""A file of SQL as statements: where each begins and ends, whatever is inside of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from services.enricher.discovery.sql.lexer import Kind, NotClosed, Token, skip, tokens

_ROUTINES = frozenset({"TRIGGER", "PROCEDURE", "PROC", "FUNCTION", "EVENT", "PACKAGE", "TYPE"})
_BATCH_STARTS = ("CREATE", "ALTER", "INSERT", "DROP", "USE", "EXEC", "PRINT", "IF", "GO", "SET", "DECLARE", "GRANT")
_META = re.compile(r"\\[^\n]*")
_DELIMITER = re.compile(r"delimiter[ \t]+(\S+)[ \t]*", re.IGNORECASE)
_COPIED = re.compile(r"[^\n]*\n((?:.*\n)*?)\\\.[ \t]*(?:\r?\n|$)")


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement.

    tokens: without the mark that ends it; empty for a command of a program such as psql, which is `text`.
    copied: the offset and the text of the rows after `COPY … FROM stdin`. problem: why it could not be split further.
    """

    tokens: tuple[Token, ...]
    start: int
    text: str
    copied: tuple[int, str] | None = None
    problem: str = ""


def statements(text: str, dialect: str) -> Iterator[Statement]:
    """The statements of a file. What follows a quote that is not closed is one statement with a problem."""
    delimiter = ";"
    offset = 0
    while True:
        start = offset
        try:
            start = skip(text, offset, dialect)
            if start >= len(text):
                return
            if dialect == "mysql" and (named := _DELIMITER.match(text, start)):
                delimiter, offset = named[1], named.end()
                continue
            if text[start] == "\\" and (meta := _META.match(text, start)):
                yield Statement((), start, meta.group())
                offset = meta.end()
                continue
            found, end = _statement(text, start, dialect, delimiter)
        except NotClosed as error:
            yield Statement((), error.offset, text[error.offset :][:200], problem=str(error))
            return
        offset = end
        if not found:
            continue
        copied = None
        if found[0].is_word("COPY") and found[-1].is_word("STDIN") and (rows := _COPIED.match(text, end)):
            copied, offset = (rows.start(1), rows[1]), rows.end()
        yield Statement(tuple(found), start, text[start : found[-1].end], copied)


def _statement(text: str, start: int, dialect: str, delimiter: str) -> tuple[list[Token], int]:
    """The tokens of the statement at `start`, and the offset after it."""
    found: list[Token] = []
    depth = blocks = 0
    routine = False
    for token in tokens(text, dialect, start):
        if text.startswith(delimiter, token.start) and token.kind is Kind.MARK and blocks <= 0:
            return found, token.start + len(delimiter)
        if _alone(text, token, dialect) or (
            dialect == "tsql" and not routine and depth == 0 and _starts_next(text, token, found)
        ):
            return found, token.end if _alone(text, token, dialect) else token.start
        if len(found) < 8 and found and found[0].is_word("CREATE") and token.is_word(*_ROUTINES):
            routine = not token.is_word("TYPE") or dialect == "oracle"
        if routine:
            blocks += _block(text, token, found)
        if token.text in "()" and token.kind is Kind.MARK:
            depth += 1 if token.text == "(" else -1
        found.append(token)
    return found, len(text)


def _alone(text: str, token: Token, dialect: str) -> bool:
    """True for `GO` and for `/` alone on a line, which end what came before."""
    if not ((dialect == "tsql" and token.is_word("GO")) or (dialect == "oracle" and token.text == "/")):
        return False
    before, after = text.rfind("\n", 0, token.start) + 1, text.find("\n", token.end)
    return text[before : len(text) if after < 0 else after].strip(" \t\r;") == token.text


def _starts_next(text: str, token: Token, found: list[Token]) -> bool:
    """True if a statement starts here without a mark before it, as T-SQL allows: at the start of a line."""
    if not found or not token.is_word(*_BATCH_STARTS):
        return False
    return "\n" in text[found[-1].end : token.start] and not found[-1].is_word("ON", "OR", "AS", "DELETE", "UPDATE")


def _block(text: str, token: Token, found: list[Token]) -> int:
    """By how much the token opens (1) or closes (-1) blocks of a routine."""
    before = found[-1] if found else token
    if token.is_word("CASE") and not before.is_word("END"):
        return 1
    if token.is_word("BEGIN"):
        return 1
    if token.is_word("LOOP", "IF", "REPEAT", "WHILE", "CASE") and before.is_word("END"):
        return 0
    return -1 if token.is_word("END") and not _ends_inner(text, token) else 0


def _ends_inner(text: str, token: Token) -> bool:
    """True for END IF and its like, whose beginnings are not counted."""
    return re.match(r"\s+(IF|LOOP|REPEAT|WHILE)\b", text[token.end : token.end + 40], re.IGNORECASE) is not None
