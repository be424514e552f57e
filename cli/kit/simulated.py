"""Prints simulations of campaigns: what happened to a contact, which edges were taken, and if expectations are met."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from rich.text import Text

from cli.kit.render import Rows, console, short
from greenroom.synthesizer.v1.campaign_simulation_pb2 import (
    CoverCampaignResponse,
    CoveredEdge,
    Interaction,
    SimulatedCampaign,
    SimulatedEdge,
)
from shared.words import counted


def print_interactions(rows: Iterable[Interaction]) -> None:
    """One line for each interaction; times are UTC."""
    table = Rows("TIME", "STEP", "WHAT", "EDGE", "TEXT", leave_out=["EDGE"], prose=["TEXT"])
    for row in rows:
        time = datetime.fromtimestamp(row.time.seconds, UTC).strftime("%a %d %b %H:%M")
        what = row.type if row.passed else Text(f"{row.type}: wrong", "red")
        text = row.reply or row.subject or row.message or row.actual
        if not row.passed or row.status in (Interaction.STATUS_HELD_BACK, Interaction.STATUS_DROPPED):
            text = row.actual
        table.add(time, row.step, what, row.branch or row.ended, text)
    console().print(table)


def print_summaries(campaigns: Sequence[SimulatedCampaign], edges: bool) -> None:
    """What simulations show of their campaigns. edges: also print each edge."""
    out = console()
    for campaign in campaigns:
        taken = sum(edge.times > 0 for edge in campaign.edges)
        out.print(
            f"{campaign.display_name}: {campaign.converted} of {campaign.contacts} reached a goal; "
            f"{taken} of {len(campaign.edges)} edges taken.",
            soft_wrap=True,
        )
        if edges:
            out.print(_edges(campaign.edges))
        for step, wrong in sorted(campaign.errors.items()):
            out.print(Text(f"wrong at {step}: {wrong} interactions", "red"), soft_wrap=True)
        for one in campaign.expectations:
            verdict = "met" if not one.missed else f"missed by {one.missed} of {one.met + one.missed}"
            detail = f" In {short(one.conversation)}: {one.actual}" if one.missed else ""
            out.print(Text(f"{one.expectation}: {verdict}.{detail}", "red" if one.missed else ""), soft_wrap=True)


def print_covered(found: CoverCampaignResponse) -> None:
    """What a search found: every edge, and why those that nobody took were not taken."""
    out = console()
    for campaign in found.campaigns:
        taken = sum(one.verdict == CoveredEdge.VERDICT_TAKEN for one in campaign.edges)
        edges = counted(len(campaign.edges), "edge")
        tried = counted(found.contacts, "contact")
        out.print(f"{campaign.display_name}: {taken} of {edges} taken by {tried}.", soft_wrap=True)
        out.print(_edges([one.edge for one in campaign.edges]))
        for one in campaign.edges:
            if one.verdict != CoveredEdge.VERDICT_TAKEN:
                proven = one.verdict == CoveredEdge.VERDICT_UNREACHABLE
                what = "unreachable" if proven else "not found"
                told = f"{what}: {one.edge.branch} of {one.edge.step}. {one.reason}"
                out.print(Text(told, "red" if proven else "yellow"), soft_wrap=True)


def _edges(edges: Iterable[SimulatedEdge]) -> Rows:
    table = Rows("STEP", "EDGE", "TO", "TIMES", "BY", "EXAMPLE", leave_out=["BY"], prose=["BY"])
    for edge in edges:
        by = ", ".join(sorted(edge.personas))
        times = str(edge.times) if edge.times else Text("never", "yellow")
        table.add(edge.step, edge.branch, edge.target, times, by, short(edge.conversation))
    return table


def sound(campaigns: Iterable[SimulatedCampaign]) -> bool:
    """True if no interaction is an error and every expectation is met."""
    return not any(one.errors or any(each.missed for each in one.expectations) for one in campaigns)
