"""What happened to each contact."""

from datetime import UTC, datetime

from services.evaluator.checks.messages.message import Message
from services.evaluator.reports.campaigns.facts import converted, messages_of
from services.evaluator.reports.campaigns.model import CampaignReport, Simulated
from services.evaluator.reports.campaigns.rendering.page.timeline import day_of
from services.evaluator.reports.rendering.page.markup import Markup, element, joined
from services.evaluator.reports.rendering.page.tables import card
from shared.model.campaigns.interactions import Interaction, Status
from shared.model.campaigns.model import Channel
from shared.words import counted

SHOWN = 200
"""The most contacts that are shown; those who met an error come first."""
_TEXT = 4_000
"""The most characters of a message."""
_CHANNELS = {Channel.SMS: "SMS", Channel.EMAIL: "e-mail"}


def transcripts(report: CampaignReport) -> Markup:
    """The section with every interaction of the contacts."""
    ordered = sorted(report.contacts, key=lambda contact: all(row.passed for row in contact.rows))
    shown = [_contact(contact) for contact in ordered[:SHOWN]]
    more = len(ordered) - len(shown)
    under = [element("p", f"{more:,} more contacts are in the JSON form.", class_="soft small")] if more > 0 else []
    return joined([element("h2", "Every contact"), card(*shown, *under)])


def _contact(contact: Simulated) -> Markup:
    wrong = [row for row in contact.rows if not row.passed]
    tags = ["goal" if converted(contact) else next((row.ended for row in contact.rows[::-1] if row.ended), "no end")]
    tags += ["opted out"] if any(row.opts_out for row in contact.rows) else []
    tags += [counted(len(wrong), "error")] if wrong else []
    tags.append(counted(sum(1 for _ in messages_of(contact)), "message"))
    parts = [contact.persona or contact.conversation]
    for tag in tags:
        parts += [" ", element("span", tag, class_="tag bad" if "error" in tag else "tag")]
    lines = element("ol", *(_line(contact, row) for row in contact.rows), class_="lines")
    name = element("p", element("code", contact.conversation), class_="soft small")
    return element("details", element("summary", *parts), name, lines)


def _line(contact: Simulated, row: Interaction) -> Markup:
    time = f"{datetime.fromtimestamp(row.at / 1000, UTC):%H:%M}"
    when = element("span", f"day {day_of(contact, row)}", element("br"), time, class_="seq")
    kind, who, text = _shown(contact, row)
    said = text if len(text) <= _TEXT else f"{text[:_TEXT]}… ({len(text) - _TEXT:,} more characters)"
    what = [element("span", who, class_="who")] if who else []
    what.append(element("span", said, dir="auto"))
    wrong = "" if row.passed else " shown"
    return element("li", when, element("div", *what, class_="what"), class_=f"line {kind}{wrong}")


def _shown(contact: Simulated, row: Interaction) -> tuple[str, str, str]:
    """(class, who and where, what)"""
    if row.channel is not None and row.status is not Status.NONE:
        where = f"{_CHANNELS[row.channel]} · {row.step}"
        if row.status is not Status.SENT:
            return "note", "", f"{row.step}: {row.actual}"
        text = Message(row.channel, row.message, row.subject).text
        body = f"{row.subject}\n\n{text}" if row.subject else text
        found = [where, *_fates(row), *([row.actual] if not row.passed else [])]
        return "agent", " · ".join(found), body
    if row.reply:
        way = f" → {row.branch}" if row.branch else ""
        return "user", f"{contact.persona} · {row.step}{way}{' · opts out' if row.opts_out else ''}", row.reply
    if row.opts_out:
        return "user", f"{contact.persona} · {row.step}", "(unsubscribes by the link)"
    way = f"{row.branch} → {row.target}" if row.target else row.ended
    parts = [f"{row.step}: {way}" if way else row.step, row.actual, row.tool and f"calls {row.tool}"]
    return "note", "", " · ".join(filter(None, parts))


def _fates(row: Interaction) -> list[str]:
    """What the contact did with the message, and why."""
    response = row.response
    if response is None:
        return []
    done = ["opened"] if response.opened is not None else []
    done += ["clicked"] if response.clicked is not None else []
    done += [] if response.reply or response.unsubscribes else ["no response"]
    return [*done, f"{response.sentiment.lower()}, converts {response.likely_to_convert} of 100", response.reasoning]
