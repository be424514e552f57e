"""Starts rehearsals from YAML, follows them, and prints their verdicts."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text
from typer.core import TyperCommand

from cli.kit import specs
from cli.kit.agents import set_agent
from cli.kit.live import in_place, lost, lost_in_lines
from cli.kit.names import resolve, resolve_spec
from cli.kit.render import console, fault, say_it_goes_on, short, state_word
from cli.kit.run import FAILED, OK, USAGE, Failed, report
from greenroom.client import Client, Watch
from greenroom.evaluator.v1.evaluation_pb2 import EvaluationResult
from greenroom.evaluator.v1.report_pb2 import CriterionRate, CriterionSummary, Example, ExpectationSummary, Rate, Report
from greenroom.gateway.v1.rehearsal_pb2 import Rehearsal, RehearsalItem, RehearsalSpec, Side
from greenroom.synthesizer.v1.batch_pb2 import BatchSpec
from shared import yaml
from shared.words import all_of, counted, events_named

UNDECIDED, BROKEN = 2, 3
_STATUS = {
    Report.VERDICT_PASSED: OK,
    Report.VERDICT_BETTER: OK,
    Report.VERDICT_AS_GOOD: OK,
    Report.VERDICT_WORSE: FAILED,
    Report.VERDICT_BELOW_THRESHOLD: FAILED,
}
_COLOURS = {OK: "green", FAILED: "red", UNDECIDED: "yellow"}
_OUTCOMES = {EvaluationResult.OUTCOME_PASSED: "passed", EvaluationResult.OUTCOME_FAILED: "failed"}
_SIZE = 50
"""The conversations of a batch that names no size."""
_FEW = 0.0001


class OrBroken(TyperCommand):
    """A command of which every failure has the exit status 3, because 1 and 2 are verdicts."""

    def make_context(self, *args: Any, **options: Any) -> Any:
        with _broken():
            return super().make_context(*args, **options)

    def invoke(self, ctx: Any) -> Any:
        with _broken():
            return super().invoke(ctx)


@contextmanager
def _broken() -> Iterator[None]:
    try:
        yield
    except (typer.Exit, typer.Abort):
        raise
    except Exception as error:
        report(error)
        raise typer.Exit(BROKEN) from error


def read_spec(path: Path) -> RehearsalSpec:
    """The spec of a YAML file with the fields of RehearsalSpec, or of BatchSpec. Raises Failed."""
    content = specs.load(path)
    known = [set(kind.DESCRIPTOR.fields_by_name) for kind in (RehearsalSpec, BatchSpec)]
    given = set(content) if isinstance(content, dict) else set[str]()
    if len(given & known[1]) > len(given & known[0]):
        return RehearsalSpec(batch=specs.filled(content, BatchSpec(), str(path)))
    return specs.filled(content, RehearsalSpec(), str(path))


def set_side(side: Side, value: str) -> None:
    """Set the fields of a YAML file, or of `revision=2,agent_model=openai:gpt-5`. Raises Failed."""
    side.SetInParent()
    if "=" not in value:
        specs.read(Path(value), side)
        return
    given: dict[str, Any] = {}
    for part in value.split(","):
        name, _, text = part.strip().partition("=")
        field = Side.DESCRIPTOR.fields_by_name.get(name)
        if field is None:
            near = yaml.near(name, Side.DESCRIPTOR.fields_by_name)
            near = near or f"; it has {all_of(sorted(Side.DESCRIPTOR.fields_by_name))}"
            raise Failed(f"--compare: a side has no `{name}`{near}.", USAGE)
        if name == "agent":
            set_agent(side.agent, text)
        elif field.cpp_type == field.CPPTYPE_STRING:
            given[name] = text
        elif text.removeprefix("-").isdecimal():
            given[name] = int(text)
        else:
            raise Failed(f"--compare: `{name}` is a whole number.", USAGE)
    specs.filled(given, side, "--compare")


async def resolve_names(client: Client, spec: RehearsalSpec) -> None:
    """Replace the names in a spec by full ones. Raises Failed."""
    await resolve_spec(client, spec.batch.conversation)
    for share in spec.batch.personas:
        share.persona = await resolve("personas", share.persona, client)
    for name, collection in (("procedure", "procedures"), ("batch", "batches")):
        if value := getattr(spec.compare, name):
            setattr(spec.compare, name, await resolve(collection, value, client))
    if spec.HasField("judge"):
        if not spec.judge.rubric:
            raise Failed("A judge needs a rubric: name one with --rubric NAME, or as `rubric` of `judge`.", USAGE)
        spec.judge.rubric = await resolve("rubrics", spec.judge.rubric, client)


def check_writable(paths: Iterable[Path | None]) -> None:
    """Raise Failed for a path that could not be written at the end."""
    for path in paths:
        if path is None:
            continue
        folder = path if path.is_dir() else path.parent
        place = path if path.exists() else folder
        if path.is_dir() or not folder.is_dir() or not os.access(place, os.W_OK):
            why = "is a folder" if path.is_dir() else "has no folder" if not folder.is_dir() else "cannot be written"
            raise Failed(f"{path} {why}; name a file that can be written.", BROKEN)


def status_of(rehearsal: Rehearsal) -> int:
    """The exit status of a rehearsal that is over."""
    if rehearsal.state != Rehearsal.STATE_COMPLETED:
        return BROKEN
    return _STATUS.get(rehearsal.result.verdict, UNDECIDED)


class RehearsalProgress:
    """The newest items of a rehearsal, by side and index. sizes: the conversations of each side."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self.name = rehearsal.name
        self.labels = [side.label for side in rehearsal.sides]
        self.sizes = [
            sum(value for _, value in side.conversations.ListFields()) or _size(rehearsal.spec.batch)
            for side in rehearsal.sides
        ]
        self.of = "of up to" if rehearsal.spec.HasField("until_sure") else "of"
        self.items: dict[tuple[int, int], RehearsalItem] = {}

    def apply(self, item: RehearsalItem) -> bool:
        """Take an item into account; True if it has a result for the first time."""
        before = self.items.get((item.side, item.index))
        self.items[item.side, item.index] = item
        return item.HasField("result") and (before is None or not before.HasField("result"))

    def counts(self, side: int) -> Counter[str]:
        """A side's conversations by what is known of them."""
        return Counter(_word(item) for (of, _), item in self.items.items() if of == side)

    def over(self, side: int) -> int:
        """How many conversations of a side have a result."""
        return sum(item.HasField("result") for (of, _), item in self.items.items() if of == side)

    @property
    def all_over(self) -> str:
        """How many of all conversations have a result, as `12 of 100`."""
        return f"{sum(self.over(side) for side in range(len(self.sizes)))} {self.of} {sum(self.sizes)}"


def _size(batch: BatchSpec) -> int:
    return len(batch.again.indexes) or batch.size or _SIZE


def _word(item: RehearsalItem) -> str:
    if item.HasField("result"):
        return _OUTCOMES.get(item.result.outcome, "invalid")
    return RehearsalItem.State.Name(item.state).removeprefix("STATE_").lower()


def screen(progress: RehearsalProgress, notice: Text | None = None) -> RenderableType:
    """One frame: for each side a bar and its counts, with a notice below."""
    rows = Table.grid(padding=(0, 1), expand=True)
    rows.add_column(no_wrap=True)
    rows.add_column(ratio=1)
    rows.add_column(no_wrap=True)
    for side, (label, size) in enumerate(zip(progress.labels, progress.sizes, strict=True)):
        counts, over = progress.counts(side), progress.over(side)
        rows.add_row(Text(label), ProgressBar(size, over, complete_style="green"), f"{over} {progress.of} {size}")
        words = [f"{counts[word]} {word}" for word in ("passed", "failed", "invalid", "generating", "evaluating")]
        rows.add_row("", Text(" · ".join(word for word in words if not word.startswith("0 ")), "dim"), "")
    return Group(rows, notice or Text(), Text())


def result_line(progress: RehearsalProgress, item: RehearsalItem) -> Text:
    """The line for a conversation that has just got its result."""
    result = item.result
    missed = [one.id for one in result.expectations if one.outcome == one.OUTCOME_MISSED]
    why = all_of(missed) or result.reason
    words = [Text(f"{progress.all_over}  "), Text(f"{progress.labels[item.side]}  {item.conversation}  ")]
    words.append(state_word(_word(item)))
    words.append(Text(f": {why}" if why else ""))
    return Text().join(words)


async def follow(watch: Watch[RehearsalItem, Rehearsal], progress: RehearsalProgress) -> Rehearsal:
    """Show progress until the rehearsal is over; return it as it ended."""
    out = console()
    try:
        if out.is_terminal:
            async with in_place(out, lambda: screen(progress, lost(watch))):
                async for item in watch:
                    progress.apply(item)
        else:
            async with lost_in_lines(watch):
                async for item in watch:
                    if progress.apply(item):
                        out.print(result_line(progress, item))
    except BaseException:
        say_it_goes_on(progress.name)
        raise
    assert watch.summary is not None
    return watch.summary


def print_verdict(rehearsal: Rehearsal, files: Iterable[Path] = ()) -> None:
    """Print the verdict in five lines, or why there is none. files: where the report was written."""
    out = console()
    if rehearsal.state != Rehearsal.STATE_COMPLETED:
        word = Rehearsal.State.Name(rehearsal.state).removeprefix("STATE_").lower()
        out.print(Text(f"{rehearsal.name} is {word}", "red"), Text(rehearsal.reason), Text(rehearsal.detail))
        if rehearsal.state == Rehearsal.STATE_FAILED:
            out.print(f"When the cause is mended:\n  greenroom rehearsals retry {short(rehearsal.name)}")
        return
    for line in verdict_lines(rehearsal, files):
        out.print(line, soft_wrap=True)


def verdict_lines(rehearsal: Rehearsal, files: Iterable[Path] = ()) -> list[Text]:
    """The verdict, the difference, the worst expectation, the invalid ones, and where the report is: a line each.

    After the difference, a line says how it ended if pairs were played until it was sure. After the worst expectation,
    there is a line for each criterion of the judge.
    """
    found = rehearsal.result
    word = Report.Verdict.Name(found.verdict).removeprefix("VERDICT_").replace("_", " ")
    verdict = Text(f"{word}  ", f"bold {_COLOURS[status_of(rehearsal)]}")
    verdict.append(f"{_rate(found.sides[0].label, found.sides[0].success)}", "default")
    invalid = sum(side.invalid for side in found.sides)
    played = invalid + sum(side.success.total for side in found.sides)
    reasons = ", ".join(f"{one.times} {one.what}" for side in found.sides for one in side.invalid_reasons)
    written = all_of(map(str, files)) or f"greenroom reports render {short(found.name)} --html FILE"
    return [
        verdict,
        _difference(found),
        *_stop(found),
        _worst(found),
        *map(_criterion, found.criteria),
        Text(f"invalid: {invalid} of {counted(played, 'conversation')}" + (f": {reasons}" if reasons else "")),
        Text(f"report: {found.name}  {written}"),
    ]


def _rate(label: str, rate: Rate) -> str:
    return f"{label}: {rate.successes} of {rate.total} passed, {rate.value:.0%} ({rate.low:.0%} to {rate.high:.0%})"


def _difference(found: Report) -> Text:
    if not found.HasField("comparison"):
        ends = ", ".join(f"{one.times} {one.what}" for one in found.sides[0].end_reasons[:3])
        return Text(f"endings: {ends or 'none'}")
    by = found.comparison
    p = f"p = {by.p:.2g}" if by.p >= _FEW else f"p < {_FEW}"
    more = (
        f"; about {found.more_conversations} more conversations a side are needed" if found.more_conversations else ""
    )
    return Text(
        f"{_rate(found.sides[1].label, found.sides[1].success)}; difference {by.difference:+.0%} "
        f"({by.low:+.0%} to {by.high:+.0%}), {p}, {by.lost} lost and {by.gained} gained of {by.pairs} pairs{more}"
    )


def _stop(found: Report) -> list[Text]:
    if not found.spec.HasField("until_sure"):
        return []
    stop, most = found.stop, found.spec.until_sure.most_pairs
    if not stop.reason:
        return [Text("until sure: ended before it was sure")]
    why = {
        stop.REASON_DIFFERENT: "the sides differ",
        stop.REASON_FUTILE: "the rest would hardly show a difference",
        stop.REASON_BUDGET: "all pairs are played and do not tell",
    }[stop.reason]
    evidence = f"E = {stop.e_value:.3g} with {stop.needed:.3g} needed"
    return [Text(f"until sure: {why}, after {stop.played} of {most} pairs, {evidence}")]


def worst_expectation(found: Report) -> ExpectationSummary | None:
    """What explains the verdict: of two sides the least likely by chance, of one the least often met."""
    missed = [one for one in found.expectations if one.met.successes < one.met.total]
    if found.HasField("comparison"):
        missed = sorted(missed, key=lambda one: (one.p, one.difference))
    else:
        missed = sorted(missed, key=lambda one: one.met.value)
    return missed[0] if missed else None


def _worst(found: Report) -> Text:
    worst = worst_expectation(found)
    if worst is None:
        return Text("every expectation is met")
    before = f", {worst.baseline_met.value:.0%} before" if worst.HasField("baseline_met") else ""
    text = f"{worst.id}: met by {worst.met.successes} of {worst.met.total}{before}"
    example = next((one for one in found.examples if one.expectation == worst.id), None)
    return Text(text + (f"; {_example(example)}" if example else ""))


def _criterion(one: CriterionSummary) -> Text:
    before = f"; before, {_judged(one.baseline_rate)}" if one.HasField("baseline_rate") else ""
    said = f"judge, {one.id}: {_judged(one.rate)}{before}; "
    if not one.calibrated:
        return Text(f"{said}uncalibrated, so it cannot fail the run: {one.why_uncalibrated}")
    p = f", p = {one.p:.2g}" if one.HasField("baseline_rate") else ""
    return Text(f"{said}calibrated{p}").append(", fails the run" if one.fails else "", "red")


def _judged(rate: CriterionRate) -> str:
    true, judged = rate.corrected, rate.judged
    corrected = (
        f", corrected {true.value:.0%} ({true.low:.0%} to {true.high:.0%})" if rate.HasField("corrected") else ""
    )
    without = f", {rate.without_verdict} without a verdict" if rate.without_verdict else ""
    return f"{judged.successes} of {judged.total} pass{corrected}{without}"


def _example(example: Example) -> str:
    events = events_named(example.evidence)
    return f"{example.conversation}: {example.detail}{events and f' ({events})'}"


def quality_score(result: EvaluationResult) -> str:
    """The quality of a conversation, 0 to 100; empty if it was not measured."""
    return f"{result.quality.score:.0f}" if result.HasField("quality") else ""


def quality_flags(result: EvaluationResult) -> str:
    """The metrics by which something is wrong with the quality of a conversation."""
    return ", ".join(part.metric for part in result.quality.parts if part.flagged)


@dataclass(frozen=True, slots=True)
class ItemRow:
    """The cells of an item in a list."""

    item: RehearsalItem

    def cells(self) -> tuple[str | Text, ...]:
        """Conversation, side, index, state, turns, outcome, quality, the metrics that flag it, and why."""
        item = self.item
        missed = all_of(one.id for one in item.result.expectations if one.outcome == one.OUTCOME_MISSED)
        outcome = state_word(_word(item)) if item.HasField("result") else ""
        why = missed or item.reason + (f" ({fault(item.fault)})" if item.fault else "")
        return (
            short(item.conversation),
            str(item.side),
            str(item.index),
            state_word(RehearsalItem.State.Name(item.state)),
            f"{item.turns}/{item.max_turns}",
            outcome,
            quality_score(item.result),
            quality_flags(item.result),
            why,
        )
