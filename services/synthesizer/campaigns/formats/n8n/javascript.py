"""Reads the JavaScript expressions of n8n that have a meaning for a campaign: paths, comparisons, calls of methods."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_TOKENS = re.compile(
    r"""\s+|//[^\n]*|/\*.*?\*/"""
    r"""|(?P<number>\d+(?:\.\d+)?)|(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`)"""
    r"""|(?P<name>[A-Za-z_$][\w$]*)|(?P<sign>===|!==|\?\.|\?\?|=>|[=!<>]=|&&|\|\||[-+*/%!<>?:.,()\[\]{}]|=)""",
    re.DOTALL,
)
_REGEX = re.compile(r"/((?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\\n])+)/([a-z]*)")
_LEVELS: Sequence[frozenset[str]] = (
    frozenset(("||", "??")),
    frozenset(("&&",)),
    frozenset(("==", "===", "!=", "!==")),
    frozenset(("<", "<=", ">", ">=")),
    frozenset(("+", "-")),
    frozenset(("*", "/", "%")),
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
_CONSTANTS = {"true": True, "false": False, "null": None, "undefined": None}
LONGEST = 2_000
"""The most characters of an expression that is read."""
_DEEPEST = 24


class Unreadable(ValueError):
    """The expression has no meaning here; the message completes `… is not evaluated, because`."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A text, number, truth value, or None for null and undefined."""

    value: str | float | bool | None


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression. flags: as JavaScript writes them."""

    source: str
    flags: str


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: tuple["Code", ...]


@dataclass(frozen=True, slots=True)
class Name:
    """A name that stands alone, such as `$json`."""

    name: str


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an object, or an item of a list."""

    of: "Code"
    key: str | int


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function or of a method, which is a Member."""

    function: "Code"
    arguments: tuple["Code", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """A negation."""

    of: "Code"


@dataclass(frozen=True, slots=True)
class Binary:
    """An operation on two values."""

    sign: str
    left: "Code"
    right: "Code"


@dataclass(frozen=True, slots=True)
class Either:
    """`condition ? first : second`."""

    condition: "Code"
    first: "Code"
    second: "Code"


Code = Constant | Pattern | Items | Name | Member | Call | Not | Binary | Either
"""An expression."""


def parse(source: str) -> Code:
    """The expression in a text. Raises Unreadable."""
    if len(source) > LONGEST:
        raise Unreadable(f"it is longer than {LONGEST:,} characters")
    parser = _Parser(_tokens(source))
    code = parser.expression(0)
    if parser.kind:
        raise Unreadable(f"`{parser.text}` is not understood")
    return code


def _tokens(source: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    at = 0
    while at < len(source):
        may_divide = tokens and (tokens[-1][0] in ("number", "text", "name") or tokens[-1][1] in (")", "]"))
        found = None if may_divide else _REGEX.match(source, at)
        if found and not source.startswith(("//", "/*"), at):
            tokens.append(("regex", found[0]))
        else:
            found = _TOKENS.match(source, at)
            if not found:
                raise Unreadable(f"`{source[at]}` is not understood")
            if found.lastgroup:
                tokens.append((found.lastgroup, found[0]))
        at = found.end()
    return tokens


def operand(value: object) -> Code:
    """A value of a parameter: an expression if it begins with `=`, or a constant. Raises Unreadable."""
    if isinstance(value, bool | None):
        return Constant(value)
    if isinstance(value, int | float):
        return Constant(float(value))
    if not isinstance(value, str):
        raise Unreadable("it is compared with a list or an object")
    if not value.startswith("="):
        return Constant(value)
    parts = [part for part in pieces(value) if not isinstance(part, str) or part.strip()]
    codes = [Constant(part) if isinstance(part, str) else parse(part[0]) for part in parts]
    if not codes:
        return Constant("")
    joined: Code = codes[0]
    for code in codes[1:]:
        joined = Binary("+", joined, code)
    return joined


def pieces(text: str) -> list[str | tuple[str]]:
    """The texts, and the expressions in `{{ }}`, of a text that begins with `=`."""
    found: list[str | tuple[str]] = []
    at = 1
    while at < len(text):
        start = text.find("{{", at)
        end = text.find("}}", start)
        if start < 0 or end < 0:
            break
        while text.startswith("}", end + 2):  # the braces of an object
            end += 1
        found += [text[at:start], (text[start + 2 : end].strip(),)]
        at = end + 2
    found.append(text[at:])
    return [part for part in found if part]


def shown(value: object) -> str:
    """A constant as JavaScript shows it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


class _Parser:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = [*tokens, ("", "")]
        self._at = 0
        self._depth = 0

    @property
    def kind(self) -> str:
        return self._tokens[self._at][0]

    @property
    def text(self) -> str:
        return self._tokens[self._at][1]

    def expression(self, level: int) -> Code:
        """An expression of operators of this level and those that bind closer."""
        self._depth += 1
        if self._depth > _DEEPEST * len(_LEVELS):
            raise Unreadable("it is nested too deeply")
        left = self._unary() if level == len(_LEVELS) else self.expression(level + 1)
        while level < len(_LEVELS) and self.kind == "sign" and self.text in _LEVELS[level]:
            sign = self._next()
            left = Binary(sign, left, self.expression(level + 1))
        if level == 0 and self._took("?"):
            first = self.expression(0)
            self._expect(":")
            left = Either(left, first, self.expression(0))
        self._depth -= 1
        return left

    def _unary(self) -> Code:
        if self.kind == "sign" and self.text in ("!", "-", "+"):
            sign, inner = self._next(), self.expression(len(_LEVELS))
            if sign == "!":
                return Not(inner)
            if sign == "+":
                return inner
            if isinstance(inner, Constant) and isinstance(inner.value, float):
                return Constant(-inner.value)
            return Binary("-", Constant(0.0), inner)
        return self._members(self._primary())

    def _primary(self) -> Code:
        kind, text = self.kind, self._next()
        if kind == "number":
            return Constant(float(text))
        if kind == "text":
            return _text(text)
        if kind == "regex":
            pattern, _, flags = text[1:].rpartition("/")
            return Pattern(pattern, flags)
        if kind == "name":
            return Constant(_CONSTANTS[text]) if text in _CONSTANTS else self._named(text)
        if text == "(":
            inner = self.expression(0)
            self._expect(")")
            return inner
        if text == "[":
            return Items(self._listed("]"))
        raise Unreadable(f"`{text}` is not understood" if text else "it is not complete")

    def _named(self, text: str) -> Code:
        if text == "new":
            return self._primary()
        if text in ("typeof", "function", "await", "async", "in", "instanceof"):
            raise Unreadable(f"`{text}` is not understood")
        return Name(text)

    def _members(self, code: Code) -> Code:
        while self.kind == "sign" and self.text in (".", "?.", "[", "("):
            sign = self._next()
            if sign == "?." and self.text in ("[", "("):
                sign = self._next()
            if sign == "(":
                code = Call(code, self._listed(")"))
            elif sign == "[":
                key = self.expression(0)
                self._expect("]")
                if not isinstance(key, Constant) or isinstance(key.value, bool | None):
                    raise Unreadable("it looks a member up by an expression")
                code = Member(code, int(key.value) if isinstance(key.value, float) else key.value)
            elif self.kind == "name":
                code = Member(code, self._next())
            else:
                raise Unreadable(f"`{self.text}` is not understood")
        return code

    def _listed(self, end: str) -> tuple[Code, ...]:
        items: list[Code] = []
        while not self._took(end):
            if items:
                self._expect(",")
                if self._took(end):
                    break
            items.append(self.expression(0))
        return tuple(items)

    def _next(self) -> str:
        text = self.text
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return text

    def _took(self, sign: str) -> bool:
        if self.kind == "sign" and self.text == sign:
            self._at += 1
            return True
        return False

    def _expect(self, sign: str) -> None:
        if not self._took(sign):
            raise Unreadable(f"`{self.text}` is not understood" if self.text else "it is not complete")


def _text(token: str) -> Code:
    if token[0] == "`" and "${" in token:
        raise Unreadable("a text with `${}` is not understood")
    return Constant(re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), token[1:-1], flags=re.DOTALL))
