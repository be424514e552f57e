"""The tables of a report: sides, expectations, personas, personas by expectations, and coverage."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from services.evaluator.reports.model import Covered, CriterionSummary, ExpectationSummary, PersonaSummary, Report, Side
from services.evaluator.reports.rendering.page.markup import NOTHING, Markup, element, joined
from services.evaluator.reports.rendering.shared import judged
from services.evaluator.reports.wording import p_value, percent, points

_ROWS, _COLUMNS = 60, 24
"""The most personas and expectations of the table of both."""
_SHORT = 8
"""Characters of a source's name that head its column; commands take them as its name."""
_SOURCES = 14
"""The most sources of the table of personas and sources."""

_MEASURES = {
    "turns": "turns",
    "repeats": "repeated messages",
    "tool_calls": "tool calls",
    "tool_errors": "tool errors",
    "virtual_seconds": "virtual seconds",
    "persona_flags": "persona flags",
}
_KINDS = {"STEP": "Steps", "BRANCH": "Branches", "TOOL": "Tools", "TOOL_ERROR": "Errors of tools"}


def sides(report: Report) -> Markup:
    """What there is to know of each side."""
    shown = element("div", *map(_side, report.sides), class_="sides")
    return joined([element("h2", "Each side in numbers" if report.baseline else "In numbers"), shown])


def _side(side: Side) -> Markup:
    rows = [("conversations", f"{side.success.total + side.invalid:,}"), ("invalid", f"{side.invalid:,}")]
    rows += [(one.what, f"{one.times:,}") for one in side.invalid_reasons[:5]]
    rows += [(f"pass^{one.k}", percent(one.value)) for one in side.pass_k if one.k > 1]
    rows += [
        (f"{_MEASURES.get(one.measure, one.measure.replace('quality.', 'quality, '))}, mean", f"{one.mean:,.1f}")
        for one in side.means
        if one.mean
    ]
    rows += [(f"ended by {one.what}", f"{one.times:,}") for one in side.end_reasons[:5]]
    if tokens := side.usage.input_tokens + side.usage.output_tokens:
        rows.append(("tokens", f"{tokens:,}"))
    if side.usage.nanos:
        rows.append(("price", f"{side.usage.nanos / 1e9:,.4f}"))
    rows.append(("evaluation", side.evaluation))
    rows += [("batch", side.batch)] if side.batch else []
    listed = [part for name, value in rows for part in (element("dt", name), element("dd", value))]
    return element("section", element("h3", side.label), element("dl", *listed), class_="card")


def matrix(report: Report) -> Markup:
    """How each persona fares with each expectation that was missed."""
    met = {(cell.persona, cell.expectation): cell for cell in report.cells}
    names = {one.persona: one.display_name or one.persona for one in report.personas}
    columns = [one.id for one in report.expectations if any(one.id == cell.expectation for cell in report.cells)]
    rows = [one.persona for one in report.personas if any(one.persona == cell.persona for cell in report.cells)]
    if not rows or not columns:
        return NOTHING
    body = []
    for persona in rows[:_ROWS]:
        cells = [met.get((persona, column)) for column in columns[:_COLUMNS]]
        shown = [
            element("td", "·", class_="soft")
            if cell is None
            else element("td", f"{cell.met}/{cell.applies}", class_=_level(cell.met, cell.applies))
            for cell in cells
        ]
        body.append((element("th", names[persona], scope="row"), *shown))
    heads = [NOTHING, *(element("span", column) for column in columns[:_COLUMNS])]
    left_out = [
        f"{len(every) - most:,} more {what}"
        for every, most, what in ((rows, _ROWS, "personas"), (columns, _COLUMNS, "expectations"))
        if len(every) > most
    ]
    under = "How often a conversation with the persona meets the expectation, out of how often it applies."
    drawn = table(heads, body, "matrix")
    return joined([element("h2", "Personas and expectations"), card(drawn, _under([under, *left_out]))])


def _level(met: int, applies: int) -> str:
    missed = 1 - met / applies if applies else 0.0
    return "m0" if not missed else "m1" if missed < 0.25 else "m2" if missed < 0.5 else "m3" if missed < 1 else "m4"


def expectations(report: Report) -> Markup:
    """All expectations, with what both sides make of them."""
    if not report.expectations:
        return NOTHING
    heads, body = _heads("expectation", report), [_expectation(one) for one in report.expectations]
    return joined([element("h2", "All expectations"), card(table(heads, body))])


def _expectation(one: ExpectationSummary) -> tuple[Markup, ...]:
    name = element("th", one.text, " ", element("code", one.id, class_="soft"), scope="row")
    cells = [f"{percent(one.met.value)} of {one.met.total:,}" if one.met.total else "does not apply"]
    if one.baseline_met is not None:
        cells += [_share(one.baseline_met.value, one.baseline_met.total), points(one.difference), p_value(one.p)]
    return name, *numbers(cells)


def criteria(report: Report) -> Markup:
    """What the judge says of each criterion."""
    if not report.criteria:
        return NOTHING
    listed = element("ul", *(_criterion(one) for one in report.criteria), class_="notes")
    return joined([element("h2", "The judge"), card(listed)])


def _criterion(one: CriterionSummary) -> Markup:
    return element("li", element("b", one.id), " ", one.question, " The judge ", judged(one))


def personas(report: Report) -> Markup:
    """How the sides fare with each persona."""
    if len(report.personas) < 2:
        return NOTHING
    body = [_persona(one) for one in report.personas]
    heads = _heads("persona", report, difference=False)
    return joined([element("h2", "Personas"), card(table(heads, body))])


def _persona(one: PersonaSummary) -> tuple[Markup, ...]:
    cells = [_share(one.success.value, one.success.total)]
    if one.baseline_success is not None:
        cells += [_share(one.baseline_success.value, one.baseline_success.total), p_value(one.p)]
    return element("th", one.display_name or one.persona, scope="row"), *numbers(cells)


def coverage(report: Report) -> Markup:
    """What the conversations of the judged side came through, and what none did."""
    parts = [part for part in report.coverage if part.kind in _KINDS]
    shown: list[Markup] = []
    for kind, group in groupby(parts, key=lambda part: part.kind):
        own = [*group]
        reached = sum(part.times > 0 for part in own)
        # Which errors a tool could answer is not known.
        title = f"{_KINDS[kind]}: {reached:,}{'' if kind == 'TOOL_ERROR' else f' of {len(own):,} reached'}"
        shown += [element("h3", title), element("ul", *map(_part, own), class_="parts")]
    shown += _combinations(report)
    return joined([element("h2", "Coverage"), card(*shown)]) if shown else NOTHING


def _part(part: Covered) -> Markup:
    times = f"{part.times:,}" if part.times else "never"
    return element("li", element("span", part.part), element("b", times), class_="" if part.times else "never")


def _combinations(report: Report) -> list[Markup]:
    """Which persona met which source, and how often it passed."""
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for part in report.coverage:
        if part.kind == "CELL" and len(words := part.part.split(" ")) == 3:
            counts.setdefault((words[0], words[1]), {})[words[2]] = part.times
    sources = sorted({source for _, source in counts})
    played = {key: found for key, found in counts.items() if sum(found.values())}
    if not played:
        return []
    said = f"Personas and sources: {len(played):,} of {len(counts):,} combinations were played"
    title = element("h3", said)
    if len(sources) > _SOURCES:
        return [title]
    names = {one.persona: one.display_name or one.persona for one in report.personas}
    body = []
    for persona in dict.fromkeys(persona for persona, _ in counts):
        cells = [_combination(counts.get((persona, source), {})) for source in sources]
        body.append((element("th", names.get(persona, persona), scope="row"), *cells))
    heads = [NOTHING, *(element("span", source[-_SHORT:], title=source) for source in sources)]
    under = "How often a conversation from the source with the persona passed, out of the valid ones."
    return [title, table(heads, body, "matrix"), _under([under, "Sources are named by the ends of their names."])]


def _combination(found: dict[str, int]) -> Markup:
    passed, failed, invalid = (found.get(outcome, 0) for outcome in ("PASSED", "FAILED", "INVALID"))
    if passed + failed:
        return element("td", f"{passed}/{passed + failed}", class_=_level(passed, passed + failed))
    return element("td", "invalid" if invalid else "never", class_="soft small")


def _heads(first: str, report: Report, *, difference: bool = True) -> list[Markup]:
    names = [side.label for side in report.sides]
    if report.baseline is not None:
        names += ["points", "p"] if difference else ["p"]
    return [joined([first]), *(element("span", name) for name in names)]


def table(heads: Sequence[Markup], body: Iterable[Sequence[Markup]], kind: str = "") -> Markup:
    """A table that scrolls sideways where it is too wide. kind: a class; "": all columns but the first have numbers."""
    first, *others = heads
    number = "" if kind else "number"
    head = [element("th", first, scope="col"), *(element("th", one, scope="col", class_=number) for one in others)]
    rows = [element("tr", *row) for row in body]
    drawn = element("table", element("thead", element("tr", *head)), element("tbody", *rows), class_=kind)
    return element("div", drawn, class_="wide")


def numbers(cells: Iterable[str]) -> Iterable[Markup]:
    """Cells of numbers."""
    return (element("td", cell, class_="number") for cell in cells)


def _share(value: float, total: int) -> str:
    return f"{percent(value)} of {total:,}" if total else "–"


def card(*parts: Markup) -> Markup:
    """Parts on a surface of their own."""
    return element("div", *parts, class_="card")


def _under(sentences: Iterable[str]) -> Markup:
    return element("p", " ".join(sentences), class_="soft small")
