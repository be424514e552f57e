"""greenroom judge"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from cli.kit import specs
from cli.kit.bars import Bar, follow
from cli.kit.cancelling import when_over
from cli.kit.lists import All, Limit, print_list
from cli.kit.models import usage_facts
from cli.kit.names import named, naming
from cli.kit.render import Rows, console, facts, print_json, short, state_word, when
from cli.kit.run import FAILED, OK, USAGE, Failed, Json, Yes, command, confirmed, noun
from greenroom.client import Client
from greenroom.evaluator.v1.judge_pb2 import (
    CriterionCalibration,
    CriterionVerdict,
    JudgeCalibration,
    JudgedCriterion,
    JudgedRate,
    Judgement,
    JudgementResult,
    JudgementSpec,
    ListJudgementsRequest,
)

app = noun("What judges say of conversations, and how far people agree with them.")

Name = Annotated[str, named("judgements")]
Calibration = Annotated[str, named("judge_calibrations")]
Watching = Annotated[
    bool, typer.Option("--watch/--no-watch", help="Show progress until all is over, or return at once.")
]


@command(app, "run")
async def run(
    client: Client,
    name: Annotated[str, named("rubrics")],
    batch: Annotated[str, naming("batches", "Judge this batch; it may still run.")] = "",
    conversation: Annotated[str, naming("conversations", "Judge this one conversation.")] = "",
    sources: Annotated[bool, typer.Option("--sources", help="Judge all imported conversations.")] = False,
    revision: Annotated[int, typer.Option(min=0, help="The rubric's revision; 0: the newest.")] = 0,
    model: Annotated[list[str] | None, typer.Option(help="Ask this model, such as openai:gpt-5-mini.")] = None,
    repeats: Annotated[int, typer.Option(min=1, max=9, help="Ask each model this often.")] = 1,
    budget_tokens: Annotated[int | None, typer.Option(min=1, help="Tokens that the models may spend.")] = None,
    seed: Annotated[int, typer.Option(help="Seeds the models, where they have a seed.")] = 0,
    watch: Watching = True,
    json: Json = False,
) -> int:
    """Judge conversations by a rubric, and watch it. Interrupting the watch leaves it running."""
    spec = JudgementSpec(rubric=name, revision=revision, models=model or [], repeats=repeats, seed=seed)
    if bool(batch) + bool(conversation) + sources != 1:
        raise Failed("Say what to judge: one of --batch NAME, --conversation NAME and --sources.", USAGE)
    if batch:
        spec.batch = batch
    elif sources:
        spec.sources.SetInParent()
    else:
        spec.conversations.names.append(conversation)
    if budget_tokens is not None:
        spec.budget.tokens = budget_tokens
    started = await client.judgements.start(spec)
    return await _follow(client, started, json) if watch else _print(started, json)


@command(app, "list")
async def list_(
    client: Client,
    state: Annotated[str, typer.Option(help="Only in this state, such as running.")] = "",
    limit: Limit = None,
    every: All = False,
    json: Json = False,
) -> None:
    """List the judgements, newest first."""
    wanted = specs.filled({"state": state} if state else {}, ListJudgementsRequest(), "the options")
    rows = Rows("JUDGEMENT", "STATE", "RUBRIC", "BY", "CONVERSATIONS", "CREATED", leave_out=["CREATED"])
    listing = client.judgements.list(state=wanted.state)
    await print_list(listing, rows, _row, limit=limit, every=every, json=json)


def _row(judgement: Judgement) -> tuple[str | Text, ...]:
    return (
        short(judgement.name),
        _state(judgement),
        short(judgement.spec.rubric),
        _judge(judgement.spec.models, judgement.spec.repeats),
        str(judgement.conversations),
        when(judgement.create_time),
    )


@command(app, "show")
async def show(client: Client, name: Name, json: Json = False) -> None:
    """Show a judgement: each criterion with its rate, and corrected for the judge's errors if these are known."""
    _print(await client.judgements.get(name), json)


@command(app, "results")
async def results(
    client: Client,
    name: Name,
    limit: Annotated[int | None, typer.Option(min=1, help="Show this many at most.")] = None,
    json: Json = False,
) -> None:
    """List the verdicts about each conversation, with the turns that show them."""
    rows = Rows("CONVERSATION", "#", "VERDICTS", leave_out=["#"])
    await print_list(client.judgements.results(name), rows, _result_row, limit=limit, every=True, json=json)


def _result_row(result: JudgementResult) -> tuple[str | Text, ...]:
    return short(result.conversation), str(result.index), "; ".join(map(_verdict, result.criteria))


def _verdict(one: CriterionVerdict) -> str:
    if one.outcome != CriterionVerdict.OUTCOME_JUDGED:
        return f"{one.id}: none ({one.reason}: {one.detail})"
    turns = f" (turns {', '.join(map(str, one.turns))})" if one.turns else ""
    agreement = f", {one.agreement:.0%} of the replies" if one.agreement < 1 else ""
    return f"{one.id}: {one.verdict}{turns}{agreement}"


@command(app, "watch")
async def watch_(client: Client, name: Name, json: Json = False) -> int:
    """Show a judgement's progress until it is over; with --json print its results, one per line."""
    return await _follow(client, await client.judgements.get(name), json, lines=True)


@command(app, "cancel")
async def cancel(client: Client, name: Name, json: Json = False) -> None:
    """Stop a judgement; its results stay."""
    _print(await when_over(await client.judgements.cancel(name), client.judgements.get), json)


@command(app, "retry")
async def retry(client: Client, name: Name, watch: Watching = True, json: Json = False) -> int:
    """Continue a failed judgement after its last result, and watch it."""
    judgement = await client.judgements.retry(name)
    return await _follow(client, judgement, json) if watch else _print(judgement, json)


@command(app, "delete")
async def delete(client: Client, name: Name, yes: Yes = False) -> None:
    """Delete a judgement that is over, with its results; conversations and calibrations stay."""
    confirmed(f"Delete {name} with its results for good?", yes)
    await client.judgements.delete(name)
    console().print(f"{name} is deleted.")


@command(app, "calibrate")
async def calibrate(
    client: Client,
    name: Name,
    file: Annotated[Path, typer.Argument(help="The labels of people as JSONL.")],
    held_back: Annotated[
        float | None, typer.Option(help="The share of conversations whose labels are held back; 0.5 if not given.")
    ] = None,
    alpha: Annotated[
        float | None, typer.Option(help="Of the intervals, above 0 and below 1; 0.05 if not given.")
    ] = None,
    json: Json = False,
) -> None:
    """Compare a judgement with the labels of people: how far they agree, and whether the judge may fail a run."""
    if alpha is not None and not 0 < alpha < 1:
        raise Failed("--alpha must be above 0 and below 1: with 0, every interval would reach from 0 to 1.", USAGE)
    if held_back is not None and not 0 < held_back <= 1:
        raise Failed("--held-back must be above 0 and at most 1: without labels held back nothing is measured.", USAGE)
    _print_calibration(
        await client.judgements.calibrate(name, file.read_bytes(), held_back=held_back, alpha=alpha), json
    )


@command(app, "calibrations")
async def calibrations(client: Client, limit: Limit = None, every: All = False, json: Json = False) -> None:
    """List the calibrations of judges, newest first."""
    rows = Rows("CALIBRATION", "JUDGE", "RUBRIC", "BY", "CALIBRATED", "CREATED", leave_out=["CREATED", "JUDGE"])
    listing = client.judge_calibrations.list()
    await print_list(listing, rows, _calibration_row, limit=limit, every=every, json=json)


def _calibration_row(one: JudgeCalibration) -> tuple[str | Text, ...]:
    calibrated = [criterion.id for criterion in one.criteria if criterion.calibrated]
    by = _judge(one.models, one.repeats)
    return short(one.name), one.judge, short(one.rubric), by, ", ".join(calibrated) or "none", when(one.create_time)


@command(app, "calibration")
async def calibration(client: Client, name: Calibration, json: Json = False) -> None:
    """Show a calibration."""
    _print_calibration(await client.judge_calibrations.get(name), json)


@command(app, "delete-calibration")
async def delete_calibration(client: Client, name: Calibration, yes: Yes = False) -> None:
    """Delete a calibration for good."""
    confirmed(f"Delete {name} for good?", yes)
    await client.judge_calibrations.delete(name)
    console().print(f"{name} is deleted.")


async def _follow(client: Client, judgement: Judgement, json: bool, lines: bool = False) -> int:
    """Watch a judgement to its end and print it; with json and lines print its results instead."""
    size = len(judgement.spec.conversations.names)
    if judgement.spec.batch:
        size = (await client.batches.get(judgement.spec.batch)).spec.size
    bar = Bar(size, "conversations")

    def apply(result: JudgementResult) -> str:
        bar.done += 1
        return f"{result.index:>4}  {short(result.conversation)}  {'; '.join(map(_verdict, result.criteria))}"

    ended = await follow(client.judgements.watch(judgement.name), judgement.name, bar, apply, json=json, each=lines)
    if not (json and lines):
        _print(ended, json)
    return OK if ended.state == Judgement.STATE_COMPLETED else FAILED


def _state(judgement: Judgement) -> Text:
    return state_word(Judgement.State.Name(judgement.state))


def _judge(models: Sequence[str], repeats: int) -> str:
    times = f", {repeats} times each" if repeats > 1 else ""
    return f"{', '.join(models)}{times}"


def _subject(spec: JudgementSpec) -> str:
    if spec.batch:
        return spec.batch
    return "sources" if spec.HasField("sources") else f"{len(spec.conversations.names)} conversations"


def _print(judgement: Judgement, json: bool) -> int:
    if json:
        print_json(judgement)
        return OK
    spec = judgement.spec
    rows: list[tuple[str, str | Text]] = [
        ("judgement", judgement.name),
        ("state", _state(judgement)),
        ("why", f"{judgement.detail} ({judgement.reason})" if judgement.reason else ""),
        ("of", _subject(spec)),
        ("rubric", f"{spec.rubric} revision {spec.revision}"),
        ("judged by", _judge(spec.models, spec.repeats)),
        ("conversations", f"{judgement.conversations:,}"),
        *usage_facts(judgement.usage),
        ("created", when(judgement.create_time)),
        ("over", when(judgement.end_time)),
    ]
    console().print(facts(*rows))
    for one in judgement.criteria:
        _print_criterion(one)
    return OK


def _print_criterion(one: JudgedCriterion) -> None:
    out = console()
    without = [
        f"{count:,} {word}" for count, word in ((one.undecided, "undecided"), (one.unusable, "unusable")) if count
    ]
    said = f"{_rate(one.rate)} pass" if one.HasField("rate") else "no verdict"
    out.print(Text(f"\n{one.id}: {said}{'; ' if without else ''}{', '.join(without)}"), soft_wrap=True)
    if one.HasField("agreement"):
        out.print(f"  agreement of the replies (Krippendorff's alpha): {one.agreement:.2f}", soft_wrap=True)
    if one.HasField("corrected"):
        out.print(f"  corrected for the judge's errors: {_interval(one.corrected)} pass", soft_wrap=True)
    state = "calibrated" if one.calibrated else f"uncalibrated, so it cannot fail a run: {one.why_uncalibrated}"
    out.print(Text(f"  {state}"), soft_wrap=True)


def _print_calibration(one: JudgeCalibration, json: bool) -> None:
    if json:
        print_json(one)
        return
    out = console()
    rows = [
        ("calibration", one.name),
        ("of", one.judgement),
        ("rubric", f"{one.rubric} revision {one.revision}"),
        ("judged by", _judge(one.models, one.repeats)),
        ("held back", f"{one.held_back:.0%} of the conversations"),
        ("created", when(one.create_time)),
    ]
    out.print(facts(*rows))
    for criterion in one.criteria:
        _print_calibrated(criterion)
    for problem in one.problems:
        out.print(Text(f"line {problem.line}: {problem.sentence}"), soft_wrap=True)
    if one.problem_count > len(one.problems):
        out.print(f"… and {one.problem_count - len(one.problems):,} more labels that were not used.")


def _print_calibrated(one: CriterionCalibration) -> None:
    out = console()
    unjudged = f", {one.unjudged:,} without a verdict" if one.unjudged else ""
    counts = f"{one.labels:,} labels held back, {one.failures:,} of them failures; {one.open_labels:,} open{unjudged}"
    out.print(Text(f"\n{one.id}: {counts}"), soft_wrap=True)
    kappa = f"{one.kappa:.2f}" if one.HasField("kappa") else "not defined"
    out.print(f"  kappa {kappa}: judge and people agree on {one.agreement:.0%}", soft_wrap=True)
    out.print(f"  base rate: people pass {one.base_rate:.0%}", soft_wrap=True)
    out.print(f"  a constant predictor agrees on {one.constant_agreement:.0%}, with kappa 0", soft_wrap=True)
    for word, rate in (("sensitivity", one.sensitivity), ("specificity", one.specificity)):
        out.print(f"  {word}: {_rate(rate) if rate.total else 'not known'}", soft_wrap=True)
    state = "calibrated" if one.calibrated else f"uncalibrated: {one.why_uncalibrated}"
    out.print(Text(f"  {state}"), soft_wrap=True)
    for other in one.disagreements:
        turns = f" (turns {', '.join(map(str, other.turns))})" if other.turns else ""
        said = f"  {short(other.conversation)}: people say {other.label}, the judge {other.verdict}{turns}"
        out.print(Text(said), soft_wrap=True)


def _rate(rate: JudgedRate) -> str:
    return f"{rate.count:,} of {rate.total:,}, {_interval(rate)}"


def _interval(rate: JudgedRate) -> str:
    return f"{rate.value:.0%} ({rate.low:.0%} to {rate.high:.0%})"
