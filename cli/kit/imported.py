"""Prints what became of each part of an imported campaign."""

from rich.text import Text

from cli.kit.render import Rows, console
from greenroom.synthesizer.v1.campaign_pb2 import ImportCampaignResponse, ImportedPart
from shared.words import counted

_WHAT = {
    ImportedPart.OUTCOME_READ: Text("read"),
    ImportedPart.OUTCOME_APPROXIMATED: Text("approximated", "yellow"),
    ImportedPart.OUTCOME_LEFT_OUT: Text("left out", "red"),
}


def print_imported(found: ImportCampaignResponse, file: str) -> None:
    """A line for each part, with its reasons, and counts. file: its name."""
    table = Rows("PART", "TYPE", "WHAT", "REASON", prose=["PART", "REASON"])
    for part in found.parts:
        table.add(part.name, part.kind, _WHAT[part.outcome], " ".join(part.reasons))
    out = console()
    out.print(table)
    read, approximated, left_out = (sum(part.outcome == outcome for part in found.parts) for outcome in _WHAT)
    out.print(
        f"{file} ({found.format}): {counted(len(found.parts), 'part')}, of which {read} are read, "
        f"{approximated} approximated and {left_out} left out; {found.evaluated_count} of "
        f"{counted(found.condition_count, 'condition')} evaluated; {counted(found.revision.step_count, 'step')}.",
        soft_wrap=True,
    )
