"""Merge fields that nothing fills: unknown names, fields that a contact may lack, and the syntax of other tools."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from services.evaluator.checks.messages.message import Message
from services.evaluator.checks.messages.rendering import render
from services.evaluator.checks.model import Issue, Severity
from shared.model.campaigns.model import TEMPLATE_NAMES, Campaign, SendEmail, SendSms, Step, UpdateContact, Webhook
from shared.model.campaigns.rendering import sender_values
from shared.model.events import Json
from shared.model.templates import BadTemplate, Template
from shared.words import any_of
from shared.yaml import near

_MARK = "\ue000"
"""A private character, which no message has."""
_OTHER_SYNTAX = re.compile(
    r"\*\|[A-Z_:]{2,40}\|\*|%%?[A-Za-z_]{2,40}%%?|\[\[ ?[\w.]{2,40} ?\]\]|<<[\w. ]{2,40}>>|\$\{[\w.]{1,40}\}|"
    r"(?<!\{)\{ ?[a-z]+(?:[_.]\w+)+ ?\}(?!\})|(?<!\{)\{(?:name|first ?name|last ?name|email|company|city)\}(?!\})|"
    r"\[(?:first|last|your|full|customer|contact|company|recipient)[ _]?(?:name|company)?\]|\{\{|\}\}",
    re.IGNORECASE,
)
"""Merge fields as Mailchimp, Salesforce, HubSpot, spreadsheets and people write them."""


def merge_field_issues(step: Step, campaign: Campaign, values: Mapping[str, Json]) -> Iterator[Issue]:
    """What is wrong with the templates of a step that sends a message. Raises BadTemplate and TooMuchWork."""
    known = _known(campaign)
    uses = dict.fromkeys(path for text in _templates(step) for path in Template(text).paths())
    unknown: set[tuple[str, ...]] = set()
    for path in uses:
        names = known.get(path[0])
        if path[0] not in TEMPLATE_NAMES:
            unknown.add(path)
            yield _unknown(step, path[0], any_of(TEMPLATE_NAMES), near(path[0], (*TEMPLATE_NAMES, *known["contact"])))
        elif names is not None and len(path) > 1 and path[1] not in names:
            unknown.add(path)
            there = f"one of {any_of(sorted(names)[:20])}" if names else f"a name that `{path[0]}` has"
            filled = path[0] == "contact" and not _leaves_a_hole(step, values, path[1])
            yield _unknown(step, ".".join(path[:2]), there, near(path[1], names), filled=filled)
    for path in uses:
        if path[0] != "contact" or len(path) < 2 or path in unknown:
            continue
        field = next((one for one in campaign.contact if one.name == path[1]), None)
        if field is not None and field.default is None and _leaves_a_hole(step, values, path[1]):
            yield Issue(
                Severity.WARNING,
                "unresolved_merge_field",
                step.id,
                f"The message has a gap for contacts without `{path[1]}`.",
                f"Write `{{{{ contact.{path[1]} | default: '…' }}}}`, or give the field a default.",
            )


def left_over(step: str, message: Message) -> Iterator[Issue]:
    """Merge fields of another tool, which people would read as they stand."""
    found = _OTHER_SYNTAX.search(f"{message.subject}\n{message.text}")
    if found is not None:
        yield Issue(
            Severity.ERROR,
            "unresolved_merge_field",
            step,
            f"People would read `{found[0]}`, which is not a merge field here.",
            "Write merge fields as `{{ contact.first_name | default: 'there' }}`.",
        )


def _templates(step: Step) -> Iterator[str]:
    match step.action:
        case SendSms(body):
            yield body
        case SendEmail(subject, body, headers):
            yield from (subject, body, *headers.values())


def _known(campaign: Campaign) -> Mapping[str, set[str]]:
    """The members of the names that have declared ones."""
    actions = [step.action for step in campaign.steps]
    changed = {name for action in actions if isinstance(action, UpdateContact) for name in action.fields}
    return {
        "contact": {field.name for field in campaign.contact} | changed | {"time_zone"},
        "sender": {*sender_values(campaign.sender)},
        "results": {action.tool for action in actions if isinstance(action, Webhook)},
    }


def _leaves_a_hole(step: Step, values: Mapping[str, Json], name: str) -> bool:
    """True if the message without the contact's field is the same as with an empty one, so that no default shows."""
    contact: Any = values["contact"]
    without = {key: value for key, value in contact.items() if key != name}
    try:
        marked = render(step, {**values, "contact": {**without, name: _MARK}})
        missing = render(step, {**values, "contact": without})
    except BadTemplate:
        return False
    return (
        marked is not None and missing is not None and _MARK in _whole(marked) and _emptied(marked) == _whole(missing)
    )


def _whole(message: Message) -> str:
    return "\n".join((message.subject, message.body, *message.headers.values()))


def _emptied(message: Message) -> str:
    return _whole(message).replace(_MARK, "")


def _unknown(step: Step, name: str, there: str, hint: str, *, filled: bool = False) -> Issue:
    return Issue(
        Severity.WARNING if filled else Severity.ERROR,
        "unknown_merge_field",
        step.id,
        f"The message uses `{name}`, which is not declared{hint}, so it is always "
        f"{'the default' if filled else 'empty'}.",
        f"Declare it, or use {there}.",
    )
