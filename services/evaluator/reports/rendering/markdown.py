"""A report as Markdown that fits a comment of a pull request.

Text from outside may hold anything: markup, mentions of people, images that call home. Where a character means
something to Markdown or to a forge, the whole text becomes code.
"""

import re
from collections.abc import Sequence

from services.evaluator.reports.model import Example, Report, Side
from services.evaluator.reports.rendering.shared import BAD, GOOD, TITLES, judged, missed, numbers, rules
from services.evaluator.reports.transcripts import Transcripts
from services.evaluator.reports.wording import out_of, p_value, percent, points
from shared.plain import visible
from shared.words import events_named

LIMIT = 60_000
"""The most characters."""
_TEXT = 400
"""The most characters of a text from outside."""
_ROWS = 20
"""The most expectations and personas that are listed."""

_PLAIN = re.compile(r"[\w ,.;:()%'’“”\"?+=−–…/-]*")
_FORGE = re.compile(r"://|www\.|\bGH-\d|\b[0-9a-f]{7,40}\b|^\s*(?:[-+=]|\d+[.)])|__|\b_|_\b", re.IGNORECASE)


def markdown(report: Report, transcripts: Transcripts) -> str:  # noqa: ARG001
    """The report in up to LIMIT characters; what does not fit is left out and counted."""
    blocks = [f"## {_sign(report)} {TITLES[report.verdict]}", said(report.headline), _sides(report)]
    blocks += [*_failures(report), *_criteria(report), *_personas(report)]
    if report.notes:
        blocks.append("\n".join(f"- {said(note)}" for note in report.notes))
    blocks.append(f"<sub>{rules(report)} {code(report.name)}</sub>" if report.name else f"<sub>{rules(report)}</sub>")
    return fitting(blocks)


def said(text: str) -> str:
    """A text from outside: as it is if it means nothing to Markdown, otherwise as code."""
    line = _line(text)
    return line if _PLAIN.fullmatch(line.replace("< ", "")) and not _FORGE.search(line) else code(text)


def told(sentence: str) -> str:
    """A sentence of ours, in which names and texts from outside stand in backticks."""
    parts = re.split(r"`([^`]*)`", sentence)
    return "".join(code(part) if place % 2 else _kept(part) for place, part in enumerate(parts))


def _kept(text: str) -> str:
    """`said`, with the spaces around the text."""
    line = text.strip()
    return text.replace(line, said(line)) if line else text


def code(text: str) -> str:
    """The text as code on one line. A fence is longer than any run of backticks in it."""
    line = _line(text).replace("|", "\\|")
    fence = "`" * (max(map(len, re.findall("`+", line)), default=0) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line or ' '}{pad}{fence}"


def _line(text: str) -> str:
    line = " ".join(visible(text).split())
    return line if len(line) <= _TEXT else f"{line[: _TEXT - 1]}…"


def _sign(report: Report) -> str:
    return "🟢" if report.verdict in GOOD else "🔴" if report.verdict in BAD else "🟡"


def _sides(report: Report) -> str:
    rows = ["| side | passed | interval | invalid | quality |", "| --- | --- | --- | --- | --- |"]
    rows += [_side(side) for side in report.sides]
    found = report.comparison
    if found is None:
        return "\n".join(rows)
    interval = f"{points(found.low)} to {points(found.high)}, {p_value(found.p)}"
    lost = f"{found.gained} gained, {found.lost} lost of {found.pairs} pairs"
    rows.append(f"| difference | **{points(found.difference)} points** ({lost}) | {interval} | | |")
    return "\n".join(rows)


def _side(side: Side) -> str:
    rate = side.success
    passed = f"**{percent(rate.value)}** ({out_of(rate)})"
    interval = f"{percent(rate.low)} to {percent(rate.high)}"
    quality = "" if side.quality is None else f"{side.quality:.0f}"
    return f"| {said(side.label)} | {passed} | {interval} | {side.invalid} | {quality} |"


def _failures(report: Report) -> list[str]:
    failing = missed(report)
    if not failing:
        return ["Every expectation is met in every conversation."] if report.expectations else []
    blocks = ["### What failed"]
    for one in failing[:_ROWS]:
        shown = [_example(example) for example in report.examples if example.expectation == one.id]
        blocks.append("\n".join([f"**{said(one.id)}**: {said(one.text)} {numbers(one).capitalize()}.", *shown]))
    blocks += _more(len(failing), "expectations")
    without = [_example(example) for example in report.examples if not example.expectation]
    return [*blocks, "\n".join(["**Failed without a missed expectation**:", *without])] if without else blocks


def _example(example: Example) -> str:
    events = events_named(example.evidence)
    return f"- {said(example.detail)} ({code(example.conversation)}{events and f', {events}'})"


def _criteria(report: Report) -> list[str]:
    if not report.criteria:
        return []
    listed = [f"- **{said(one.id)}**: {said(one.question)} The judge {told(judged(one))}" for one in report.criteria]
    return ["### The judge", "\n".join(listed[:_ROWS]), *_more(len(listed), "criteria")]


def _personas(report: Report) -> list[str]:
    if len(report.personas) < 2:
        return []
    rows = ["| persona | passed | baseline | p |", "| --- | --- | --- | --- |"]
    for one in report.personas[:_ROWS]:
        baseline = "" if one.baseline_success is None else out_of(one.baseline_success)
        p = "" if one.baseline_success is None else p_value(one.p)
        rows.append(f"| {said(one.display_name or one.persona)} | {out_of(one.success)} | {baseline} | {p} |")
    return ["### Personas", "\n".join(rows), *_more(len(report.personas), "personas")]


def _more(count: int, what: str) -> list[str]:
    return [f"…and {count - _ROWS:,} more {what}."] if count > _ROWS else []


def fitting(blocks: Sequence[str]) -> str:
    """The blocks that fit LIMIT characters, in order; the last one always does."""
    *most, last = blocks
    room = LIMIT - len(last) - 100
    shown: list[str] = []
    for place, block in enumerate(most):
        room -= len(block) + 2
        if room < 0:
            shown.append(f"…{len(most) - place} more parts are in the HTML report.")
            break
        shown.append(block)
    return "\n\n".join([*shown, last]) + "\n"
