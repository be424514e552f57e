"""Whether a revision hangs together: its steps, its tools, and what each says of the other."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from services.synthesizer.schemas import schema_error
from shared.errors import Violation
from shared.model.conditions import RESULTS, BadCondition, compile_condition
from shared.model.events import Json
from shared.model.steps import Ask, Branch, Call, End, Say, Step, Tool
from shared.model.templates import BadTemplate, check_template
from shared.yaml import near

_ID = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_SLOT = re.compile(r"[a-z][a-z0-9_]{0,63}")
_TOOL = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,127}")
_CEL_WORDS = frozenset(
    [
        "true",
        "false",
        "null",
        "in",
        "as",
        "break",
        "const",
        "continue",
        "else",
        "for",
        "function",
        "if",
        "import",
        "let",
        "loop",
        "package",
    ]
)
RESERVED_TOOLS = ("end_conversation",)
"""What the procedure agent may ask for beside its tools."""


def check_revision(steps: Sequence[Step], tools: Sequence[Tool], path: str = "revision") -> list[Violation]:
    """Everything that is wrong with the steps and tools, in their order; empty when nothing is.

    path: what the fields' paths begin with, such as `revision` in `revision.steps[3].branch.condition`.
    """
    prefix = f"{path}." if path else ""
    return [
        *_check_tools(tools, f"{prefix}tools"),
        *_check_steps(steps, {tool.name: tool for tool in tools}, f"{prefix}steps"),
    ]


def _check_tools(tools: Sequence[Tool], path: str) -> Iterator[Violation]:
    seen: set[str] = set()
    for number, tool in enumerate(tools):
        field = f"{path}[{number}]"
        if not _TOOL.fullmatch(tool.name):
            yield Violation(f"{field}.name", "A tool's name is a letter, then letters, digits, `_`, `.` or `-`.")
        elif tool.name in RESERVED_TOOLS:
            yield Violation(f"{field}.name", f"`{tool.name}` is what every agent has already; choose another name.")
        elif tool.name in seen:
            yield Violation(f"{field}.name", f"There is a tool `{tool.name}` already; names are unique.")
        seen.add(tool.name)
        for name, schema in (("arguments_schema", tool.arguments_schema), ("result_schema", tool.result_schema)):
            if sentence := schema_error(schema):
                yield Violation(f"{field}.{name}", sentence)
        if tool.arguments_schema.get("type", "object") != "object":
            yield Violation(f"{field}.arguments_schema.type", "The arguments of a tool are an `object`.")


def _check_steps(steps: Sequence[Step], tools: dict[str, Tool], path: str) -> Iterator[Violation]:
    ids = Counter(step.id for step in steps if step.id)
    slots = list(dict.fromkeys(step.slot for step in steps if isinstance(step, Ask)))
    for number, step in enumerate(steps):
        field = f"{path}[{number}]"
        if step.id and not _ID.fullmatch(step.id):
            yield Violation(f"{field}.id", "A step's id is a small letter, then small letters, digits, `_` or `-`.")
        elif step.id and ids[step.id] > 1:
            yield Violation(f"{field}.id", f"The id `{step.id}` names {ids[step.id]} steps; ids are unique.")
        match step:
            case Say(text):
                yield from _template(text, slots, f"{field}.say.text")
            case End(text):
                yield from _template(text, slots, f"{field}.end.text")
            case Ask():
                yield from _check_ask(step, slots, f"{field}.ask")
            case Call():
                yield from _check_call(step, slots, tools, f"{field}.call")
            case Branch(condition, then, otherwise):
                try:
                    compile_condition(condition, _declarable(slots))
                except BadCondition as bad:
                    yield Violation(f"{field}.branch.condition", str(bad))
                for name, target in (("then", then), ("otherwise", otherwise)):
                    if target not in ids and (target or name == "then"):
                        sentence = f"There is no step `{target}`{near(target, ids)}."
                        yield Violation(f"{field}.branch.{name}", sentence)


def _check_ask(step: Ask, slots: list[str], field: str) -> Iterator[Violation]:
    if not _SLOT.fullmatch(step.slot):
        yield Violation(f"{field}.slot", "A slot's name is a small letter, then small letters, digits or `_`.")
    elif step.slot == RESULTS or step.slot in _CEL_WORDS:
        yield Violation(f"{field}.slot", f"`{step.slot}` has a meaning in conditions already; choose another name.")
    yield from _template(step.question, slots, f"{field}.question")
    if sentence := schema_error(step.schema):
        yield Violation(f"{field}.schema", sentence)


def _check_call(step: Call, slots: list[str], tools: dict[str, Tool], field: str) -> Iterator[Violation]:
    tool = tools.get(step.tool)
    if tool is None:
        yield Violation(f"{field}.tool", f"The revision has no tool `{step.tool}`{near(step.tool, tools)}.")
    for argument, slot in step.arguments.items():
        if slot not in slots:
            sentence = f"No step asks for the slot `{slot}`{near(slot, slots)}."
            yield Violation(f"{field}.arguments.{argument}", sentence)
        if tool is not None and not takes(tool, argument):
            known = tool.arguments_schema.get("properties", {})
            sentence = f"The tool `{tool.name}` takes no argument `{argument}`{near(argument, known)}."
            yield Violation(f"{field}.arguments.{argument}", sentence)


def takes(tool: Tool, argument: str) -> bool:
    """Whether the tool's schema names the argument, or names none, so that any will do."""
    properties: Json = tool.arguments_schema.get("properties")
    return not isinstance(properties, dict) or not properties or argument in properties


def _declarable(slots: Iterable[str]) -> list[str]:
    return [slot for slot in slots if _SLOT.fullmatch(slot) and slot != RESULTS and slot not in _CEL_WORDS]


def _template(text: str, slots: Iterable[str], field: str) -> Iterator[Violation]:
    try:
        check_template(text, (*slots, RESULTS))
    except BadTemplate as bad:
        yield Violation(field, str(bad))
