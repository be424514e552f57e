"""greenroom evaluations"""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from cli.kit import specs
from cli.kit.bars import Bar, follow
from cli.kit.cancelling import when_over
from cli.kit.lists import All, Limit, print_list
from cli.kit.names import named, naming, resolve
from cli.kit.rehearsing import quality_flags, quality_score
from cli.kit.render import Rows, console, facts, fault, print_json, short, state_word, when
from cli.kit.run import FAILED, OK, USAGE, Failed, Json, Yes, command, confirmed, noun
from greenroom.client import Client
from greenroom.evaluator.v1.evaluation_pb2 import (
    Evaluation,
    EvaluationResult,
    EvaluationSpec,
    ExpectationResult,
    ListEvaluationResultsRequest,
    ListEvaluationsRequest,
)

app = noun("Whether conversations met what is expected of them.")

Name = Annotated[str, named("evaluations")]
Watching = Annotated[
    bool, typer.Option("--watch/--no-watch", help="Show progress until all is over, or return at once.")
]


@command(app, "start")
async def start(
    client: Client,
    file: Annotated[
        Path | None, typer.Argument(metavar="SPEC.yaml", help="YAML with the fields of EvaluationSpec, or -.")
    ] = None,
    batch: Annotated[str, naming("batches", "Evaluate this batch; it may still run.")] = "",
    watch: Watching = True,
    json: Json = False,
) -> int:
    """Evaluate a batch, sources or conversations, and watch it. Interrupting the watch leaves it running."""
    spec = specs.read(file, EvaluationSpec()) if file else EvaluationSpec()
    if batch:
        spec.batch = batch
    elif spec.batch:
        spec.batch = await resolve("batches", spec.batch, client)
    if spec.WhichOneof("subject") is None:
        raise Failed("Say what to evaluate: --batch NAME, or a file with `batch`, `sources` or `conversations`.", USAGE)
    started = await client.evaluations.start(spec)
    return await _follow(client, started, json) if watch else _print(started, json)


@command(app, "list")
async def list_(
    client: Client,
    state: Annotated[str, typer.Option(help="Only in this state, such as running.")] = "",
    limit: Limit = None,
    every: All = False,
    json: Json = False,
) -> None:
    """List the evaluations, newest first."""
    wanted = specs.filled({"state": state} if state else {}, ListEvaluationsRequest(), "the options")
    columns = ("EVALUATION", "STATE", "OF", "PASSED", "FAILED", "INVALID", "QUALITY", "CREATED")
    listing = client.evaluations.list(state=wanted.state)
    await print_list(listing, Rows(*columns, leave_out=["CREATED"]), _row, limit=limit, every=every, json=json)


def _row(evaluation: Evaluation) -> tuple[str | Text, ...]:
    counts = evaluation.counts
    return (
        short(evaluation.name),
        _state(evaluation),
        _subject(evaluation),
        str(counts.passed),
        str(counts.failed),
        str(counts.invalid),
        _quality(evaluation),
        when(evaluation.create_time),
    )


@command(app, "show")
async def show(client: Client, name: Name, json: Json = False) -> None:
    """Show one evaluation with its counts by outcome."""
    _print(await client.evaluations.get(name), json)


@command(app, "results")
async def results(
    client: Client,
    name: Name,
    outcome: Annotated[str, typer.Option(help="Only conversations with this outcome, such as failed.")] = "",
    limit: Annotated[int | None, typer.Option(min=1, help="Show this many at most.")] = None,
    json: Json = False,
) -> None:
    """List the results of an evaluation's conversations, and what each missed."""
    given = {"outcome": outcome} if outcome else {}
    wanted = specs.filled(given, ListEvaluationResultsRequest(), "the options")
    columns = ("CONVERSATION", "#", "OUTCOME", "QUALITY", "PERSONA", "FLAGS", "WHY")
    rows = Rows(*columns, leave_out=["PERSONA", "#", "FLAGS"])
    found = client.evaluations.results(name, outcome=wanted.outcome)
    await print_list(found, rows, _result_row, limit=limit, every=True, json=json)


def _result_row(result: EvaluationResult) -> tuple[str | Text, ...]:
    return (
        short(result.conversation),
        str(result.index),
        state_word(_outcome(result)),
        quality_score(result),
        short(result.persona),
        quality_flags(result),
        _why(result),
    )


def _quality(evaluation: Evaluation) -> str:
    return f"{evaluation.quality:.0f}" if evaluation.HasField("quality") else ""


def _outcome(result: EvaluationResult) -> str:
    return EvaluationResult.Outcome.Name(result.outcome).removeprefix("OUTCOME_").lower()


def _why(result: EvaluationResult) -> str:
    """What a conversation missed, or why it says nothing."""
    missed = [
        f"{one.id}: {one.detail}" for one in result.expectations if one.outcome == ExpectationResult.OUTCOME_MISSED
    ]
    reason = result.reason + (f" ({fault(result.fault)})" if result.fault else "")
    return "; ".join([*([reason] if reason else []), *missed])


@command(app, "watch")
async def watch_(client: Client, name: Name, json: Json = False) -> int:
    """Show an evaluation's progress until it is over; with --json print its results, one per line."""
    return await _follow(client, await client.evaluations.get(name), json, lines=True)


@command(app, "cancel")
async def cancel(client: Client, name: Name, json: Json = False) -> None:
    """Stop an evaluation; its results stay."""
    _print(await when_over(await client.evaluations.cancel(name), client.evaluations.get), json)


@command(app, "retry")
async def retry(client: Client, name: Name, watch: Watching = True, json: Json = False) -> int:
    """Continue a failed evaluation after its last result, and watch it."""
    evaluation = await client.evaluations.retry(name)
    return await _follow(client, evaluation, json) if watch else _print(evaluation, json)


@command(app, "delete")
async def delete(client: Client, name: Name, yes: Yes = False) -> None:
    """Delete an evaluation that is over, with its results; its conversations stay."""
    confirmed(f"Delete {name} with its results for good?", yes)
    await client.evaluations.delete(name)
    console().print(f"{name} is deleted.")


async def _follow(client: Client, evaluation: Evaluation, json: bool, lines: bool = False) -> int:
    """Watch an evaluation to its end and print it; with json and lines print its results instead."""
    bar, newest = Bar(await _size(client, evaluation), "conversations"), dict[int, str]()

    def apply(result: EvaluationResult) -> str:
        word = _outcome(result)
        newest[result.index] = word
        words, bar.done = list(newest.values()), len(newest)
        bar.words = " · ".join(f"{words.count(one)} {one}" for one in ("passed", "failed", "invalid") if one in words)
        return f"{result.index:>4}  {short(result.conversation)}  {word}  {_why(result)}".rstrip()

    ended = await follow(client.evaluations.watch(evaluation.name), evaluation.name, bar, apply, json=json, each=lines)
    if not (json and lines):
        _print(ended, json)
    if ended.state == Evaluation.STATE_FAILED:
        again = f"Go on when that is mended:\n  greenroom evaluations retry {short(ended.name)}"
        console(stderr=True).print(again, soft_wrap=True)
    return OK if ended.state == Evaluation.STATE_COMPLETED else FAILED


async def _size(client: Client, evaluation: Evaluation) -> int:
    """How many conversations it has; 0 if that is not known."""
    if evaluation.spec.batch:
        return (await client.batches.get(evaluation.spec.batch)).spec.size
    return len(evaluation.spec.conversations.names)


def _state(evaluation: Evaluation) -> Text:
    return state_word(Evaluation.State.Name(evaluation.state))


def _subject(evaluation: Evaluation) -> str:
    spec = evaluation.spec
    if spec.batch:
        return spec.batch
    return "sources" if spec.HasField("sources") else f"{len(spec.conversations.names)} conversations"


def _print(evaluation: Evaluation, json: bool) -> int:
    if json:
        print_json(evaluation)
        return OK
    counts = evaluation.counts
    total = counts.passed + counts.failed + counts.invalid
    rows: list[tuple[str, str | Text]] = [
        ("evaluation", evaluation.name),
        ("state", _state(evaluation)),
        ("why", f"{evaluation.detail} ({evaluation.reason})" if evaluation.reason else ""),
        ("of", _subject(evaluation)),
        ("passed", f"{counts.passed} of {total - counts.invalid}"),
        ("invalid", str(counts.invalid or "")),
        ("reused", f"{counts.reused} of {total}" if counts.reused else ""),
        ("quality", f"{_quality(evaluation)} of 100" if evaluation.HasField("quality") else ""),
        ("creator", evaluation.creator),
        ("created", when(evaluation.create_time)),
        ("over", when(evaluation.end_time)),
    ]
    console().print(facts(*rows))
    return OK
