"""What is printed of an import."""

from pathlib import Path
from typing import Annotated

import typer

from cli.commands import FAILED, OK
from cli.render import console, print_json
from greenroom.synthesizer.v1.import_pb2 import ImportSummary

File = Annotated[Path, typer.Argument(help="The file; decompressed if it ends in .gz.")]
Format = Annotated[str, typer.Option(help="`greenroom` (our own JSONL, docs/formats.md) or `abcd`.")]


def reported(summary: ImportSummary, json: bool) -> int:
    """Print the counts, and the problems on stderr; 1 when lines were refused."""
    if json:
        print_json(summary)
    else:
        for problem in summary.problems:
            place = f"{problem.file}:{problem.line}"
            console(stderr=True).print(
                f"{place}: {problem.description} ({problem.reason})", soft_wrap=True, markup=False
            )
        console().print(f"{summary.imported} imported, {summary.unchanged} unchanged, {summary.refused} refused")
    return FAILED if summary.refused else OK
