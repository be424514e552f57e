"""What conditions of n8n mean in a campaign: CEL over contact fields, replies and time.

A path such as `$json.message.text` is the contact field `message_text`. What another system answered is a field of its
own, whose name begins with that of its node. What a person answered to a message that waits for an answer is the reply.
"""

import re

from services.synthesizer.campaigns.formats.building import Use
from services.synthesizer.campaigns.formats.n8n.conditions import Comparison
from services.synthesizer.campaigns.formats.n8n.javascript import (
    Binary,
    Call,
    Code,
    Constant,
    Either,
    Items,
    Member,
    Name,
    Not,
    Pattern,
    Unreadable,
    operand,
    shown,
)
from services.synthesizer.campaigns.formats.n8n.paths import Path, Scope, is_path, path_of
from shared.model.campaigns.model import FieldType, Weekday

_BOOLEAN, _NUMBER, _TEXT = FieldType.BOOLEAN, FieldType.NUMBER, FieldType.TEXT
_YES = r"(?i)\\b(yes|yep|ok|okay|sure|approved?|accept(ed)?|fine|agreed?)\\b"
_SIGNS = {"==": "==", "===": "==", "!=": "!=", "!==": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_NUMBERS = {"equals": "==", "notEquals": "!=", "gt": ">", "lt": "<", "gte": ">=", "lte": "<="}
_DATES = {
    "equals": "==",
    "notEquals": "!=",
    "after": ">",
    "before": "<",
    "afterOrEquals": ">=",
    "beforeOrEquals": "<=",
}
_LENGTHS = {
    "lengthEquals": "==",
    "lengthNotEquals": "!=",
    "lengthGt": ">",
    "lengthLt": "<",
    "lengthGte": ">=",
    "lengthLte": "<=",
}
_SAME = frozenset(("toString", "toISO", "toISOString", "toJsonString", "trim", "toISODate", "valueOf"))
"""Methods that leave a value nearly as it is."""
_LOWER = frozenset(("toLowerCase", "toUpperCase", "toLocaleLowerCase", "toLocaleUpperCase"))
_HOURS = frozenset(("hour", "getHours", "getUTCHours"))


class Meaning:
    """Translates the conditions of one node to CEL."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def comparison(self, comparison: Comparison) -> str:
        """The CEL of a comparison. Raises Unreadable."""
        kind, operation = comparison.type, comparison.operation
        left, right = operand(comparison.left), operand(comparison.right)
        if operation in ("exists", "notEmpty"):
            return self._there(left)
        if operation in ("notExists", "empty"):
            return _not(self._there(left))
        if kind == "boolean":
            return self._boolean(operation, left, right)
        if kind == "number" and operation in _NUMBERS:
            return self._compared(left, _NUMBERS[operation], right, _NUMBER)
        if kind == "array" and operation in _LENGTHS:
            length = Member(left, "length") if not isinstance(left, Member) or left.key != "length" else left
            return self._compared(length, _LENGTHS[operation], right, _NUMBER)
        if kind == "dateTime" and operation in _DATES:
            return self._compared(left, _DATES[operation], right, _TEXT)
        for name, negated in (("not", True), ("", False)):
            plain = operation.removeprefix(name)
            plain = plain[:1].lower() + plain[1:]
            if operation.startswith(name) and plain in ("equals", "contains", "startsWith", "endsWith", "regex"):
                held = self._texts(plain, left, right, comparison.any_case)
                return _not(held) if negated else held
        raise Unreadable(f"the operation `{operation}` of type `{kind}` is not known")

    def truth(self, code: Code) -> str:
        """The CEL that holds if JavaScript takes the expression for true. Raises Unreadable."""
        match code:
            case Constant(value):
                return "true" if value else "false"
            case Not(of):
                return _not(self.truth(of))
            case Binary("&&" | "||" as sign, left, right):
                return f"({self.truth(left)} {sign} {self.truth(right)})"
            case Binary("??", left, right):
                return f"({self.truth(left)} || {self.truth(right)})"
            case Binary(sign, left, right) if sign in _SIGNS:
                return self._javascript(left, sign, right)
            case Either(condition, first, second):
                return f"({self.truth(condition)} ? {self.truth(first)} : {self.truth(second)})"
            case Call(Name("Boolean"), (inside,)):
                return self.truth(inside)
            case Call(Member(of, "isEmpty"), ()):
                return _not(self._there(of))
            case Call(Member(of, "isNotEmpty"), ()):
                return self._there(of)
            case Call(Member(Items(items), "includes"), (inside,)):
                return f"({self._text(inside)} in [{', '.join(map(self._text, items))}])"
            case Call(Member(of, "includes" | "startsWith" | "endsWith" as name), (Constant() as part, *_)):
                cased = isinstance(of, Call) and isinstance(of.function, Member) and of.function.key in _LOWER
                of = of.function.of if cased and isinstance(of, Call) and isinstance(of.function, Member) else of
                return self._texts("contains" if name == "includes" else str(name), of, part, cased)
            case Call(Member(Pattern() as pattern, "test"), (inside,)) | Call(
                Member(inside, "match"), (Pattern() as pattern,)
            ):
                return self._texts("regex", inside, pattern, False)
        return self._there(code)

    def number(self, code: Code) -> str:
        """The CEL of a number. Raises Unreadable."""
        match code:
            case Constant(value) if isinstance(value, str):
                try:
                    return _double(float(value))
                except ValueError:
                    raise Unreadable(f"`{value[:40]}` is no number") from None
            case Constant(value):
                return _double(float(value or 0))
            case Either(condition, first, second):
                return f"({self.truth(condition)} ? {self.number(first)} : {self.number(second)})"
            case Binary("||" | "??", left, _):
                return self.number(left)
            case Binary("+" | "-" | "*" | "/" as sign, left, right):
                return f"({self.number(left)} {sign} {self.number(right)})"
            case Call(Name("Number" | "parseInt" | "parseFloat"), (inside, *_)) | Call(
                Member(inside, "toNumber" | "toInt" | "toFloat"), ()
            ):
                return self.number(inside)
            case Member(of, "length"):
                return f"double(size({self._text(of)}))"
        if _is_hour(code):
            return "double(time.hour)"
        path = path_of(code)
        if self._scope.asked(path):
            return "double(reply)"
        use = self._read(path, _NUMBER)
        match self._scope.fields.type(use):
            case FieldType.NUMBER:
                return f"contact.{use.name}"
            case FieldType.BOOLEAN:
                return f"(contact.{use.name} ? 1.0 : 0.0)"
        return f"double(contact.{use.name})"

    def _boolean(self, operation: str, left: Code, right: Code) -> str:
        if operation in ("true", "false"):
            right = Constant(operation == "true")
        elif operation not in ("equals", "notEquals"):
            raise Unreadable(f"the operation `{operation}` of type `boolean` is not known")
        if isinstance(right, Constant):
            if right.value is None:
                held = _not(self._there(left))
            else:
                held = self._flag(left)
                held = held if str(right.value).lower() == "true" else _not(held)
        else:
            held = f"({self._flag(left)} == {self._flag(right)})"
        return _not(held) if operation == "notEquals" else held

    def _flag(self, code: Code) -> str:
        """The CEL that holds if a value is true, or the text `true`."""
        if not isinstance(code, Name | Member) and not is_path(code):
            return self.truth(code)
        path = path_of(code)
        if self._scope.asked(path):
            return f"reply.matches('{_YES}')"
        use = self._read(path, _BOOLEAN)
        match self._scope.fields.type(use):
            case FieldType.BOOLEAN:
                return f"contact.{use.name}"
            case FieldType.NUMBER:
                return f"contact.{use.name} != 0.0"
        return f"contact.{use.name} == 'true'"

    def _there(self, code: Code) -> str:
        """The CEL that holds if there is a value and it is not empty."""
        if isinstance(code, Constant):
            return "false" if code.value in (None, "") else "true"
        if isinstance(code, Not):
            return _not(self.truth(code.of))
        if isinstance(code, Binary | Either):
            return f"({self._text(code)} != '')"
        path = path_of(code)
        if self._scope.asked(path) == "approved":
            return f"reply.matches('{_YES}')"
        if self._scope.asked(path):
            return "reply != ''"
        use = self._read(path, None)
        match self._scope.fields.type(use):
            case FieldType.BOOLEAN:
                return f"contact.{use.name}"
            case FieldType.NUMBER:
                return f"contact.{use.name} != 0.0"
        return f"contact.{use.name} != ''"

    def _compared(self, left: Code, sign: str, right: Code, kind: FieldType) -> str:
        if kind is _NUMBER and sorted((_is_hour(left), _is_hour(right))) == [False, True]:
            other = right if _is_hour(left) else left
            if isinstance(other, Constant) and isinstance(other.value, float) and other.value.is_integer():
                number = str(int(other.value))
                return f"time.hour {sign} {number}" if _is_hour(left) else f"{number} {sign} time.hour"
        read = self.number if kind is _NUMBER else self._text
        return f"{read(left)} {sign} {read(right)}"

    def _javascript(self, left: Code, sign: str, right: Code) -> str:
        """The CEL of a comparison as JavaScript makes it."""
        here = _SIGNS[sign]
        if isinstance(left, Constant) and not isinstance(right, Constant):
            turned = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
            left, right, here = right, left, turned.get(here, here)
        match left, here, right:
            case Call(Member(of, "indexOf"), inside), ">=" | "<", Constant(0.0):
                found = self.truth(Call(Member(of, "includes"), inside))
                return found if here == ">=" else _not(found)
            case Call(Member(of, "indexOf"), inside), ">" | "!=" | "==", Constant(-1.0):
                found = self.truth(Call(Member(of, "includes"), inside))
                return _not(found) if here == "==" else found
            case Member(Name("$now"), "weekday"), "==" | "!=", Constant(float(number)):
                day = [*Weekday][(int(number) - 1) % 7]
                return f"time.weekday {here} '{day.value}'"
        if isinstance(right, Constant) and here in ("==", "!="):
            if right.value is None:
                held = _not(self._there(left))
                return held if here == "==" else _not(held)
            if isinstance(right.value, bool):
                held = self._flag(left) if right.value else _not(self._flag(left))
                return held if here == "==" else _not(held)
        if isinstance(right, Constant) and isinstance(right.value, str):
            return self._compared(left, here, right, _TEXT)
        if isinstance(right, Constant) or here not in ("==", "!="):
            return self._compared(left, here, right, _NUMBER)
        return self._compared(left, here, right, _TEXT)

    def _texts(self, operation: str, left: Code, right: Code, any_case: bool) -> str:
        if operation == "regex":
            if isinstance(right, Constant) and isinstance(right.value, str):
                found = re.fullmatch(r"/(.*)/([a-z]*)", right.value, re.DOTALL)
                right = Pattern(*found.groups()) if found else Pattern(right.value, "")
            if not isinstance(right, Pattern):
                raise Unreadable("its pattern is an expression")
            flags = "i" if "i" in right.flags or any_case else ""
            return f"{self._text(left)}.matches({quoted(f'(?{flags}){right.source}' if flags else right.source)})"
        if any_case and isinstance(right, Constant):
            inside = re.escape(shown(right.value))
            begins = "^" if operation in ("equals", "startsWith") else ""
            ends = "$" if operation in ("equals", "endsWith") else ""
            return f"{self._text(left)}.matches({quoted(f'(?i){begins}{inside}{ends}')})"
        first, second = self._text(left), self._text(right)
        return f"{first} == {second}" if operation == "equals" else f"{first}.{operation}({second})"

    def _text(self, code: Code) -> str:
        """The CEL of a text. Raises Unreadable."""
        match code:
            case Constant(value):
                return quoted("" if value is None else shown(value))
            case Binary("+", left, right):
                return f"({self._text(left)} + {self._text(right)})"
            case Binary("||" | "??", left, right):
                first = self._text(left)
                return f"({first} != '' ? {first} : {self._text(right)})"
            case Binary("&&", left, right):
                return f"({self.truth(left)} ? {self._text(right)} : '')"
            case Either(condition, first, second):
                return f"({self.truth(condition)} ? {self._text(first)} : {self._text(second)})"
            case Call(Name("String"), (inside,)) | Call(Member(Name("JSON"), "stringify"), (inside, *_)):
                return self._text(inside)
            case Call(Member(of, name), ()) if name in _SAME:
                return self._text(of)
            case Call(Member(Name("$now" | "$today"), "toISODate" | "toISO"), ()) | Name("$now" | "$today"):
                return "time.date"
        path = path_of(code)
        if self._scope.asked(path):
            return "reply"
        use = self._read(path, _TEXT)
        name = f"contact.{use.name}"
        return name if self._scope.fields.type(use) is _TEXT else f"string({name})"

    def _read(self, path: Path, hint: FieldType | None) -> Use:
        """The field of a path that a condition reads."""
        use = self._scope.use(path)
        use.read = True
        if hint:
            use.hints.add(hint)
        return use


def quoted(text: str) -> str:
    """The text as a literal of CEL."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"


def _is_hour(code: Code) -> bool:
    match code:
        case Member(Name("$now"), "hour"):
            return True
        case Call(Member(_, name), ()) if name in _HOURS:
            return True
    return False


_SIMPLE = re.compile(r"((?:contact\.)?[a-z_0-9]+) (==|!=) ('[^'\\\\]*'|\d+\.\d+)")


def _not(cel: str) -> str:
    if simple := _SIMPLE.fullmatch(cel):
        return f"{simple[1]} {'!=' if simple[2] == '==' else '=='} {simple[3]}"
    if cel.startswith("!(") and cel.endswith(")") and _closes(cel[1:]):
        return cel[2:-1]
    return f"!({cel})" if " " in cel and not (cel[0] == "(" and _closes(cel)) else f"!{cel}"


def _closes(cel: str) -> bool:
    """True if the bracket at the begin closes at the end."""
    depth = 0
    for number, sign in enumerate(cel):
        depth += (sign == "(") - (sign == ")")
        if not depth:
            return number == len(cel) - 1
    return False


def _double(number: float) -> str:
    return repr(float(number))
