"""Texts of n8n as Liquid."""

import json
import re
from typing import Any

from services.synthesizer.campaigns.formats.n8n.javascript import (
    Binary,
    Call,
    Code,
    Constant,
    Either,
    Member,
    Name,
    Not,
    Pattern,
    Unreadable,
    parse,
    pieces,
    shown,
)
from services.synthesizer.campaigns.formats.n8n.paths import Parts, Scope, is_path, path_of

_SAME = frozenset(("toString", "toISO", "toISOString", "toJsonString", "toISODate", "valueOf"))
"""Methods that leave a value as it is."""
_FILTERS = {"toUpperCase": "upcase", "toLowerCase": "downcase", "trim": "strip", "toTitleCase": "capitalize"}


class Texts:
    """Translates the texts of one node. failed: what has no meaning, by expression, with the reason."""

    def __init__(self, scope: Scope) -> None:
        self.failed: dict[str, str] = {}
        self._scope = scope

    def template(self, text: Any) -> str:
        """A text of n8n as Liquid. What has no meaning stays as a note in brackets, and is in `failed`."""
        if not isinstance(text, str):
            return "" if text is None else json.dumps(text, ensure_ascii=False)
        if not text.startswith("="):
            return _literal(text)
        made = []
        for part in pieces(text):
            if isinstance(part, str):
                made.append(_literal(part))
                continue
            try:
                made.append(self.liquid(parse(part[0])))
            except Unreadable as why:
                self.failed[part[0]] = str(why)
                made.append(_literal(f"[{' '.join(part[0].split())[:60]}]"))
        return "".join(made)

    def liquid(self, code: Code) -> str:
        """The Liquid that prints an expression. Raises Unreadable."""
        match code:
            case Constant(value):
                return _literal("" if value is None else shown(value))
            case Binary("+", left, right):
                return self.liquid(left) + self.liquid(right)
            case Either(condition, first, second):
                name = self._name(_without_not(condition))
                yes, no = self.liquid(first), self.liquid(second)
                if isinstance(condition, Not):
                    yes, no = no, yes
                test = f"{name} and {name} != ''"
                return f"{{% if {test} %}}{yes}{{% else %}}{no}{{% endif %}}"
        return f"{{{{ {self._filtered(code)} }}}}"

    def _filtered(self, code: Code) -> str:
        match code:
            case Constant(value):
                return _quoted(value)
            case Binary("||" | "??", left, right):
                self._empty(left)
                return f"{self._filtered(left)} | default: {self._argument(right)}"
            case Call(Member(of, name), ()) if name in _FILTERS:
                return f"{self._filtered(of)} | {_FILTERS[str(name)]}"
            case Call(Member(of, name), ()) if name in _SAME:
                return self._filtered(of)
            case Call(Member(of, "replace"), (Constant(old), Constant(new))):
                return f"{self._filtered(of)} | replace_first: {_quoted(old)}, {_quoted(new)}"
            case Call(Member(of, "replaceAll"), (Constant(old), Constant(new))):
                return f"{self._filtered(of)} | replace: {_quoted(old)}, {_quoted(new)}"
            case Call(Member(of, "replace" | "replaceAll"), (Pattern(source, flags), Constant(new))) if _plain(source):
                kind = "replace" if "g" in flags else "replace_first"
                return f"{self._filtered(of)} | {kind}: {_quoted(_unescaped(source))}, {_quoted(new)}"
            case Call(Member(of, "slice" | "substring" | "substr"), (Constant(0.0), Constant(float(end)))) if end >= 0:
                return f"{self._filtered(of)} | slice: 0, {int(end)}"
            case Call(Name("String"), (inside,)) | Call(Member(Name("JSON"), "stringify"), (inside, *_)):
                return self._filtered(inside)
        return self._name(code)

    def _empty(self, code: Code) -> None:
        """A field for which a text has something else keeps empty if the contact does not have it."""
        if is_path(code) and not self._scope.asked(path_of(code)):
            self._scope.use(path_of(code)).read = True

    def _argument(self, code: Code) -> str:
        return _quoted(code.value) if isinstance(code, Constant) else self._name(code)

    def _name(self, code: Code) -> str:
        path = path_of(code)
        return "reply" if self._scope.asked(path) else f"contact.{self._scope.use(path).name}"


def members(parts: Parts) -> str:
    """A path as Liquid writes it behind a name."""
    return "".join(map(_member, parts))


def _member(part: str | int) -> str:
    if isinstance(part, str):
        return f".{part}" if re.fullmatch(r"[A-Za-z_]\w*", part) else f"[{_quoted(part)}]"
    return f"[{part}]"


def _without_not(code: Code) -> Code:
    return code.of if isinstance(code, Not) else code


def _literal(text: str) -> str:
    """The text so that Liquid prints it as it is."""
    return re.sub(r"\{\{|\{%", lambda found: f"{{{{ '{found[0]}' }}}}", text)


def _quoted(value: object) -> str:
    """A constant as Liquid writes texts, which cannot have both kinds of quotes."""
    text = "" if value is None else shown(value)
    return f'"{text}"' if "'" in text and '"' not in text else "'" + text.replace("'", "") + "'"


def _plain(pattern: str) -> bool:
    """True if a regular expression matches one text only."""
    plain = pattern.replace("\\n", "")
    return re.search(r"(?<!\\)[.*+?()\[\]{}|^$]|\\[a-zA-Z]", plain) is None


def _unescaped(pattern: str) -> str:
    return re.sub(r"\\(.)", r"\1", pattern.replace("\\n", "\n"))
