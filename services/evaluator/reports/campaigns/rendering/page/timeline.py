"""What happened on which day after contacts entered the campaign."""

from collections import Counter

from services.evaluator.reports.campaigns.model import CampaignReport, Simulated
from services.evaluator.reports.rendering.page.markup import NOTHING, Markup, element, joined
from services.evaluator.reports.rendering.page.tables import card, table
from shared.model.campaigns.interactions import Interaction, Status
from shared.model.campaigns.model import Goal
from shared.model.campaigns.times import DAY

_COLUMNS = 31
"""The most columns; with more days, a column is several days."""
_LEVELS = 4
_KINDS = ("replies", "opt-outs", "goals")
"""The rows below those of the messages."""


def timeline(report: CampaignReport) -> Markup:
    """The section with the days: how many contacts got each message, replied, opted out and reached a goal."""
    counts: dict[str, Counter[int]] = {}
    for contact in report.contacts:
        for row in contact.rows:
            for what in _shown(row):
                counts.setdefault(what, Counter())[day_of(contact, row)] += 1
    if not counts:
        return NOTHING
    last = max(day for days in counts.values() for day in days)
    days = -(-(last + 1) // _COLUMNS)
    starts = range(0, last + 1, days)
    steps = [step.id for step in report.campaign.steps if f"sent {step.id}" in counts]
    rows = [(step, counts[f"sent {step}"]) for step in dict.fromkeys(steps)]
    rows += [(kind, counts[kind]) for kind in _KINDS if kind in counts]
    most = max(sum(found[day + more] for more in range(days)) for _, found in rows for day in starts)
    body = []
    for name, found in rows:
        sums = [sum(found[day + more] for more in range(days)) for day in starts]
        label = element("code", name) if name not in _KINDS else name
        body.append((element("th", label, scope="row"), *(_cell(number, most) for number in sums)))
    heads = [NOTHING, *(joined([str(day)]) for day in starts)]
    said = "Messages by step, and what contacts did, by day after they entered the campaign."
    under = f"{said} A column is {days} days." if days > 1 else said
    shown = card(table(heads, body, "matrix days"), element("p", under, class_="soft small"))
    return joined([element("h2", "Day by day"), shown])


def day_of(contact: Simulated, row: Interaction) -> int:
    """Full days since the contact entered the campaign."""
    return (row.at - contact.entered) // (DAY * 1000)


def _shown(row: Interaction) -> list[str]:
    found = [f"sent {row.step}"] if row.status is Status.SENT else []
    found += ["replies"] if row.reply else []
    found += ["opt-outs"] if row.opts_out else []
    return [*found, "goals"] if row.type == Goal.kind else found


def _cell(number: int, most: int) -> Markup:
    level = -(-number * _LEVELS // most)
    return element("td", f"{number:,}" if number else "", class_=f"d{level}")
