"""What failed and where: each expectation with its examples, and their transcripts with the evidence marked.

From where it differs, the transcript of the baseline stands beside.
"""

from collections.abc import Iterator, Sequence

from services.evaluator.reports.model import Example, ExpectationSummary, Report
from services.evaluator.reports.rendering.page.figures import bar
from services.evaluator.reports.rendering.page.markup import NOTHING, Markup, element, joined
from services.evaluator.reports.rendering.shared import is_worse, missed
from services.evaluator.reports.transcripts import Kind, Line, Transcripts
from services.evaluator.reports.wording import out_of, p_value, percent, points

SHOWN = 40
"""The most examples that are shown with their transcripts."""
_LONG = 200
"""A transcript with more lines is shown only around its evidence, its beginning and its end."""
_AROUND = 15
_TEXT = 4000
"""The most characters of a line."""

_WHO = {Kind.USER: "user", Kind.AGENT: "agent", Kind.CALL: "calls a tool", Kind.ANSWER: "answer", Kind.ERROR: "error"}


def failures(report: Report, transcripts: Transcripts) -> Markup:
    """The section about what failed; a sentence if nothing did."""
    failing = missed(report)
    without = [one for one in report.examples if not one.expectation]
    if not failing and not without:
        said = (
            "Every expectation is met in every valid conversation." if report.expectations else "Nothing is expected."
        )
        return joined([element("h2", "What failed"), element("p", said, class_="card")])
    numbered = {id(example): place for place, example in enumerate(report.examples)}
    cards = [_card(_head(report, one), bar(one), _examples(report, one.id, transcripts, numbered)) for one in failing]
    if without:
        head = element("h3", "Failed without a missed expectation")
        cards.append(_card(head, NOTHING, _examples(report, "", transcripts, numbered)))
    return joined([element("h2", "What failed, and where"), *cards])


def _card(*parts: Markup) -> Markup:
    return element("section", *parts, class_="card")


def _head(report: Report, one: ExpectationSummary) -> Markup:
    score = [element("b", percent(one.met.value)), f" met, {out_of(one.met)}"]
    if one.baseline_met is not None:
        difference = f"{points(one.difference)} points, {p_value(one.p)}"
        kind = "small lost" if is_worse(report, one) else "small soft"
        said = f"{report.sides[1].label} {out_of(one.baseline_met)} · {difference}"
        score.append(element("div", said, class_=kind))
    title = element("div", element("h3", one.text), element("code", one.id, class_="soft"))
    return element("div", title, element("div", *score, class_="score"), class_="head")


def _examples(report: Report, expectation: str, transcripts: Transcripts, numbered: dict[int, int]) -> Markup:
    own = [one for one in report.examples if one.expectation == expectation]
    return joined(_example(report, one, numbered[id(one)], transcripts) for one in own)


def _example(report: Report, example: Example, place: int, transcripts: Transcripts) -> Markup:
    names = {one.persona: one.display_name for one in report.personas}
    who = names.get(example.persona) or example.persona
    tags = [element("span", who, class_="tag")] if who else []
    if (
        example.conversation in {pair.conversation for pair in report.comparison.lost_pairs}
        if report.comparison
        else ()
    ):
        tags.append(element("span", f"{report.sides[1].label} passed", class_="tag"))
    summary = element("summary", f"{example.detail} ", *_spaced(tags))
    lines = transcripts.get(example.conversation) if place < SHOWN else None
    other = transcripts.get(example.baseline) if place < SHOWN else None
    rest = NOTHING
    if lines is None:
        shown = element("p", "The transcript is not shown here.", class_="soft small")
    elif other is None or (same := _same(lines, other)) == len(lines) == len(other):
        shown = _transcript(lines, example.evidence, f"e{place}")
    else:
        shown = _transcript(lines[:same], example.evidence, f"e{place}")
        labels = [side.label for side in report.sides]
        parts = [
            _transcript(lines[same:], example.evidence, f"e{place}"),
            _transcript(other[same:], (), f"b{place}"),
        ]
        rest = element("div", *map(_part, labels, parts), class_="both")
    beside = element("div", _finding(example, who, place, lines is not None), shown, class_="beside")
    # The first example is open, so that the evidence is seen without a click.
    return element("details", summary, beside, rest, open=place == 0)


def _same(new: Sequence[Line], old: Sequence[Line]) -> int:
    """How many lines both begin with."""
    differing = (place for place, (one, two) in enumerate(zip(new, old, strict=False)) if one != two)
    return next(differing, min(len(new), len(old)))


def _part(label: str, transcript: Markup) -> Markup:
    return element("div", element("h4", label), transcript)


def _spaced(tags: Sequence[Markup]) -> Iterator[str]:
    for tag in tags:
        yield tag
        yield " "


def _finding(example: Example, who: str, place: int, linked: bool) -> Markup:
    rows = [("conversation", _code(example.conversation))]
    if example.baseline:
        rows.append(("baseline", _code(example.baseline)))
    if who:
        rows.append(("persona", joined([who])))
    if example.source:
        rows.append(("source", _code(example.source)))
    if example.evidence:
        seqs: list[str] = []
        for seq in example.evidence:
            said = str(seq)
            seqs += [", "] if seqs else []
            seqs.append(element("a", said, href=f"#e{place}-{seq}") if linked else said)
        rows.append(("events", joined(seqs)))
    listed = [part for name, value in rows for part in (element("dt", name), element("dd", value))]
    return element("div", element("dl", *listed), class_="finding small")


def _code(name: str) -> Markup:
    return element("code", name)


def _transcript(lines: Sequence[Line], evidence: Sequence[int], prefix: str) -> Markup:
    marked, drawn, before = set(evidence), [], -1
    for place in _places(lines, marked):
        if place > before + 1:
            left_out = f"… {place - before - 1:,} events are not shown …"
            drawn.append(
                element(
                    "li", element("span", class_="seq"), element("div", left_out, class_="what"), class_="line note"
                )
            )
        drawn.append(_line(lines[place], lines[place].seq in marked, prefix))
        before = place
    return element("ol", *drawn, class_="lines")


def _places(lines: Sequence[Line], marked: set[int]) -> list[int]:
    if len(lines) <= _LONG:
        return list(range(len(lines)))
    centres = [0, len(lines) - 1, *(place for place, line in enumerate(lines) if line.seq in marked)]
    return sorted(
        {place for centre in centres for place in range(centre - _AROUND, centre + _AROUND) if 0 <= place < len(lines)}
    )


def _line(line: Line, shown: bool, prefix: str) -> Markup:
    kinds = f"line {line.kind.lower()}{' copied' if line.copied else ''}{' shown' if shown else ''}"
    said = (
        line.text if len(line.text) <= _TEXT else f"{line.text[:_TEXT]}… ({len(line.text) - _TEXT:,} more characters)"
    )
    words = [_WHO.get(line.kind, ""), "from the source" if line.copied else "", "evidence" if shown else ""]
    who = " · ".join(filter(None, words))
    what = [element("span", who, class_="who")] if who else []
    what.append(element("span", said, dir="auto"))
    seq = element("span", str(line.seq), class_="seq")
    return element("li", seq, element("div", *what, class_="what"), class_=kinds, id=f"{prefix}-{line.seq}")
