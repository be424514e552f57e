"""How many rehearsals of abcd have an exchange that makes no sense, and which calls are made again, by tool."""

import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

from rich.console import Console
from rich.table import Table

from benchmarks.dialogues import Rehearsed, records, rehearsals
from benchmarks.results import gates, limited, report
from services.synthesizer.offline.wording import wording
from shared.model.events import AgentMessage, ToolCall, UserMessage
from shared.model.steps import Ask
from tests.pipeline.test_abcd import said_calls

TOPIC = "nonsense"
_SHAPES = {
    "email": r"[^@\s]+@[^@\s]+\.[a-z]+",
    "phone": r"\(?\d{3}\)?[ .-]{0,3}\d{3}[ .-]?\d{4}",
    "zip_code": r"\d{5}",
    "account_id": r"(?=.*[A-Za-z\d])[A-Za-z\d]{6,14}",
    "order_id": r"\d{6,14}",
    "pin_number": r"\d{3,8}",
    "username": r"(?=.*[a-z])[\w.@-]{3,40}",
    "address": r"\d+ .*[A-Za-z].*",
    "amount": r".*\d.*",
    "full_name": r"\D+",
    "security_answer": r"\D+",
    "waiting_time": r".*\d.*",
}
_VALUE = re.compile(r"[^\s@,]+@[^\s@]+|\(?\d{3}\)?[ .-]{1,3}\d{3}[ .-]\d{4}|[^\s,]*\d[^\s,]*")
_EMPTY = re.compile(r"\b(?:or|and) *[,.?!;:)]|, *,|\( *\)|: *[?!.]|\s[,?!.;](?:\s|$)|\byour *[?,]", re.IGNORECASE)
_UNKNOWN = re.compile(
    r"\b(?:don'?t|do not|can'?t|cannot|no|not|never|forgot|remember|lost|isn't|haven't)\b", re.IGNORECASE
)
_REFUSALS = tuple(
    phrase
    for uses in (*wording().tones.values(), *wording().traits.values(), {"object": wording().persona["object"]})
    for use in uses
    if use.startswith(("object", "opt_out", "ask"))
    for phrase in uses[use]
)


def run(quick: bool) -> bool:
    """Measure, report, and return whether the gate held."""
    gate = gates(TOPIC)
    rehearsed = rehearsals(list(islice(records("abcd"), gate["quick" if quick else "full"]["dialogues"])))
    found = [set(nonsense(each)) for each in rehearsed]
    kinds = Counter(kind for each in found for kind in each)
    _print("conversations with nonsense, by kind", {kind: (count, len(found)) for kind, count in kinds.items()})
    wanted = Counter(tool for each in rehearsed for tool in {tool for tool, _ in said_calls(each.dialogue)})
    made = Counter(tool for each in rehearsed for tool in {tool for tool, _ in each.made_again()})
    _print("conversations that make a said call again, by tool", {tool: (made[tool], wanted[tool]) for tool in wanted})
    share = sum(map(bool, found)) / len(found)
    return report(TOPIC, [limited(gate["share"], f"of {len(found)}", [share])])


def _print(title: str, rows: dict[str, tuple[int, int]]) -> None:
    table = Table(title, "count", "of", "share")
    for name, (count, of) in sorted(rows.items(), key=lambda row: -row[1][1]):
        table.add_row(name, str(count), str(of), f"{count / of:.0%}")
    Console(width=100).print(table)


def nonsense(rehearsed: Rehearsed) -> Iterator[str]:
    """The kinds of nonsense in a conversation."""
    asks = [step for step in rehearsed.procedure.steps if isinstance(step, Ask)]
    exchanges = list(_exchanges(rehearsed))
    texts = [text for text, _ in exchanges]
    if any(map(_EMPTY.search, texts)):
        yield "an empty part is spoken"
    answered: dict[str, str] = {}
    for number, (text, reply) in enumerate(exchanges):
        before = exchanges[number - 1] if number else ("", "")
        asked = _asked(asks, before[0])
        if any(phrase.is_in(text) for phrase in wording().agent["without"]) and _answers(asked, before[1]):
            yield "goes on without what was answered"
        step = _asked(asks, text)
        if step is None or not reply:
            continue
        if asked is step and _answers(asked, before[1]):
            yield "asked again after an answer"
        if not _answers(step, reply) and _given(reply) and not _UNKNOWN.search(reply):
            yield "a value of the wrong kind"
        value = " ".join(_given(reply)) or reply
        fresh = step.slot.startswith("new_") and not _UNKNOWN.search(reply)
        if fresh and any(value in old for slot, old in answered.items() if slot != step.slot):
            yield "an old value for a new one"
        answered[step.slot] = reply
    for event in rehearsed.state.transcript:
        if isinstance(call := event.body, ToolCall) and not event.copied:
            yield from _in_call(rehearsed, call)


def _in_call(rehearsed: Rehearsed, call: ToolCall) -> Iterator[str]:
    schemas = {tool.name: tool.arguments_schema for tool in rehearsed.procedure.tools}
    takes = schemas.get(call.tool, {}).get("properties", {})
    if takes and not call.arguments:
        yield "a call without arguments"
    for name, value in call.arguments.items():
        shape = _SHAPES.get(name)
        if shape and not takes.get(name, {}).get("enum") and not re.fullmatch(shape, str(value), re.DOTALL):
            yield "a value of the wrong kind"
    if len(set(map(str, call.arguments.values()))) < len(call.arguments):
        yield "one value for two arguments"
    if "security_answer" in call.arguments and call.arguments["security_answer"] in _names(rehearsed):
        yield "a value of the wrong kind"


def _names(rehearsed: Rehearsed) -> set[str]:
    """The customer's names, as they were recorded."""
    actions = [turn for turn in rehearsed.dialogue["turns"] if turn.get("action") == "pull-up-account"]
    return {value for turn in actions for value in turn.get("values") or [] if " " in value}


def _exchanges(rehearsed: Rehearsed) -> Iterator[tuple[str, str]]:
    """What the agent said, and the persona's reply; "" for silence."""
    said = ""
    for event in rehearsed.state.transcript:
        match event.body:
            case AgentMessage(text) if not event.copied:
                if said:
                    yield said, ""
                said = text
            case UserMessage(text) if not event.copied and said:
                yield said, text
                said = ""
            case _:
                pass
    if said:
        yield said, ""


def _asked(asks: Sequence[Ask], text: str) -> Ask | None:
    return next((step for step in asks if text.endswith(step.question)), None)


def _answers(step: Ask | None, reply: str) -> bool:
    """True if the reply has a value of a kind that the question asks for, or one of its options."""
    if step is None or not reply or (not _given(reply) and any(phrase.is_in(reply) for phrase in _REFUSALS)):
        return False
    if reply.endswith("?") and not _given(reply):
        return False
    if options := step.schema.get("enum"):
        return any(re.search(rf"\b{re.escape(str(option))}\b", reply, re.IGNORECASE) for option in options)
    if any(each in step.slot for each in ("address", "item")):
        return re.search(r"\d+ .*[A-Za-z]", reply) is not None or (step.slot == "item" and not _UNKNOWN.search(reply))
    slots = [slot for slot in _SHAPES if slot.replace("_", " ") in step.question.lower().replace("-", "")]
    slots = slots or [step.slot.removeprefix("new_").removeprefix("current_")]
    return any(
        re.fullmatch(_SHAPES[slot], value)
        for slot in slots
        if slot in _SHAPES and slot not in ("full_name", "security_answer")
        for value in (*_given(reply), reply.strip(" ."))
    ) or (
        "full_name" in slots
        and re.search(r"[^\W\d_]{2,} [^\W\d_]{2,}", reply) is not None
        and not _UNKNOWN.search(reply)
    )


def _given(reply: str) -> list[str]:
    return [value.strip(" .,;:!") for value in _VALUE.findall(reply)]


if __name__ == "__main__":
    sys.exit(not run("--quick" in sys.argv))
