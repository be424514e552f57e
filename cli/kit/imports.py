"""Options and output of imports."""

from pathlib import Path
from typing import Annotated

import typer

from cli.kit.render import console, print_json
from cli.kit.run import FAILED, OK, USAGE, Failed
from cli.kit.transcript import line
from greenroom.synthesizer.v1.import_pb2 import ImportSummary, Redaction, TableMapping
from greenroom.synthesizer.v1.source_pb2 import ImportSourcesResponse
from shared.words import counted

File = Annotated[Path, typer.Argument(help="The file; decompressed if it ends in .gz.")]
Format = Annotated[
    str,
    typer.Option(help="`greenroom` (our JSONL), `abcd`, `star`, `tau2`, `openai` or `sharegpt`: docs/formats.md."),
]
SourceFormat = Annotated[
    str,
    typer.Option(
        help="`greenroom` (our JSONL), `abcd`, `star`, `tau2`, `openai`, `sharegpt` or `table`; detected if not given."
    ),
]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        help="A column of a table: `conversation`, `author`, `time` or `text`, such as conversation=ticket_id.",
    ),
]
Authors = Annotated[
    list[str] | None,
    typer.Option(
        "--author",
        help="An author of a table: `user`, `agent`, `system` or `ignore`, as in Jane=agent; `*` is every other.",
    ),
]
FinishedAfter = Annotated[
    int,
    typer.Option(
        min=0, help="Minutes since its newest message, when a conversation without an explicit end is finished."
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Import nothing; show two conversations as they would be read.")
]
Redact = Annotated[
    str,
    typer.Option(help="`on`: store pseudonyms for e-mail addresses, telephone numbers, names and so on; or `off`."),
]
RedactPatterns = Annotated[
    list[str] | None,
    typer.Option("--redact-pattern", help=r"Redact also what a pattern matches, such as customer=C-(\d{5})."),
]
TimeFormat = Annotated[str, typer.Option(help="The format of a table's times, such as %m/%d/%Y %H:%M.")]

_ROLES = {
    "user": TableMapping.AUTHOR_USER,
    "agent": TableMapping.AUTHOR_AGENT,
    "system": TableMapping.AUTHOR_SYSTEM,
    "ignore": TableMapping.AUTHOR_IGNORED,
}
_MODES = {"": Redaction.MODE_UNSPECIFIED, "on": Redaction.MODE_ON, "off": Redaction.MODE_OFF}


def table_mapping(columns: list[str], authors: list[str], time_format: str) -> TableMapping:
    """The mapping that the options say."""
    mapping = TableMapping(time_format=time_format)
    for option in columns:
        what, _, name = option.partition("=")
        if what not in ("conversation", "author", "time", "text") or not name:
            raise Failed(f"`{option}` should be conversation, author, time or text, `=` and a column.", USAGE)
        setattr(mapping, what, name)
    for option in authors:
        value, _, role = option.rpartition("=")
        if role not in _ROLES or not value:
            raise Failed(f"`{option}` should be an author, `=` and user, agent, system or ignore.", USAGE)
        mapping.authors[value] = _ROLES[role]
    return mapping


def redaction(redact: str, patterns: list[str]) -> Redaction | None:
    """What the options say; None if they say nothing."""
    if redact not in _MODES:
        raise Failed(f"--redact is `{redact}`; it should be on or off.", USAGE)
    if not redact and not patterns:
        return None
    message = Redaction(mode=_MODES[redact])
    for option in patterns:
        name, _, pattern = option.partition("=")
        if not name or not pattern:
            raise Failed(f"`{option}` should be a name, `=` and a regular expression.", USAGE)
        message.patterns.add(name=name, pattern=pattern)
    return message


def reported(summary: ImportSummary, strict: bool, json: bool, *, say_format: bool = False) -> int:
    """Print the counts, and the problems on stderr; return 1 if lines were refused, or if strict at any problem.

    Raises Failed if nothing of the file is here now, because of the problems.
    """
    if json:
        print_json(summary)
    else:
        print_problems(summary)
        counts = f"{summary.imported} imported, {summary.unchanged} unchanged{_but(summary)}, {summary.refused} refused"
        console().print(f"{summary.format}: {counts}" if say_format else counts)
        _print_redacted(summary)
    if summary.problems and not summary.imported and not summary.unchanged:
        raise Failed("Nothing of the file was imported.")
    return _status(summary, strict)


def _but(summary: ImportSummary) -> str:
    """What was done to unchanged ones, in brackets; empty if nothing was."""
    done = {
        "got a new label": summary.labelled,
        "newly linked to a procedure": summary.linked,
        "newly finished": summary.finished,
    }
    told = [f"{count} {what}" for what, count in done.items() if count]
    return f" ({', '.join(told)})" if told else ""


def previewed(preview: ImportSourcesResponse, strict: bool, json: bool) -> int:
    """Print what would be imported, and the samples; return what the import would return."""
    summary = preview.summary
    if json:
        print_json(preview)
        return _status(summary, strict)
    print_problems(summary)
    out = console()
    for sample in preview.samples:
        ended = "finished" if sample.finished else "not finished"
        out.print(f"{sample.external_id} ({ended})", style="bold")
        if sample.instructions:
            out.print(f"instructions: {sample.instructions}", style="dim")
        for event in sample.events:
            if (shown := line(event)) is not None:
                out.print(shown)
        if (rest := sample.event_count - len(sample.events)) > 0:
            out.print(f"… and {rest} more")
        out.print()
    out.print(
        f"{summary.format}: {summary.imported} would be imported, {summary.refused} refused; nothing was imported"
    )
    _print_redacted(summary)
    return _status(summary, strict)


def print_problems(summary: ImportSummary) -> None:
    """Print the problems on stderr, those that differ only in their line once."""
    lines: dict[tuple[str, str, str], list[int]] = {}
    for problem in summary.problems:
        lines.setdefault((problem.file, problem.description, problem.reason), []).append(problem.line)
    for (file, description, reason), (first, *others) in lines.items():
        more = f", and so on {counted(len(others), 'more line')}" if others else ""
        console(stderr=True).print(f"{file}:{first}: {description} ({reason}){more}")


def _print_redacted(summary: ImportSummary) -> None:
    if summary.redacted:
        counts = ", ".join(f"{count} {kind}" for kind, count in sorted(summary.redacted.items()))
        console().print(f"redacted: {counts}")


def _status(summary: ImportSummary, strict: bool) -> int:
    return FAILED if summary.refused or (strict and summary.problems) else OK
