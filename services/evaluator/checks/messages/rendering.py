"""The messages of a campaign as a contact gets them who has every declared field."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from services.evaluator.checks.messages.message import Message
from shared.model.campaigns.model import Campaign, Field, FieldType, SendEmail, SendSms, Step
from shared.model.campaigns.rendering import UNSUBSCRIBE_URL, rendered, sender_values
from shared.model.events import Json

_SAMPLES: Mapping[FieldType, Json] = {
    FieldType.TEXT: "Alexandra",
    FieldType.INTEGER: 12,
    FieldType.NUMBER: 49.9,
    FieldType.BOOLEAN: True,
    FieldType.DATE: "2026-12-24",
}


@dataclass(frozen=True, slots=True)
class Written:
    """A message of a campaign. step: its id. first: a contact may get it before any other message of its channel."""

    step: str
    message: Message
    first: bool
    campaign: Campaign


def sample_values(campaign: Campaign) -> dict[str, Json]:
    """What templates are rendered with: the longest value that each field declares, or else one of its type."""
    return {
        "contact": {field.name: _sample(field) for field in campaign.contact},
        "tags": [],
        "reply": "",
        "results": {},
        "sender": sender_values(campaign.sender),
        "unsubscribe_url": UNSUBSCRIBE_URL,
    }


def render(step: Step, values: Mapping[str, Json]) -> Message | None:
    """The message of a step as it is sent; None if it sends none. Raises BadTemplate and TooMuchWork."""
    if not isinstance(step.action, SendSms | SendEmail):
        return None
    return Message(*rendered(step.action, values))


def first_messages(campaign: Campaign) -> frozenset[str]:
    """The ids of the steps that may send a contact its first message of their channel."""
    return frozenset(step for kind in (SendSms, SendEmail) for step in _first(campaign, kind))


def _first(campaign: Campaign, kind: type[SendSms] | type[SendEmail]) -> Iterator[str]:
    steps = {step.id: step for step in reversed(campaign.steps)}
    seen, rest = {campaign.first}, [campaign.first]
    while rest:
        step = steps.get(rest.pop())
        if step is None:
            continue
        if isinstance(step.action, kind):
            yield step.id
            continue
        following = {edge.target for edge in step.edges} - seen
        seen |= following
        rest += following


def _sample(field: Field) -> Json:
    if field.values:
        return max(field.values, key=lambda value: len(str(value)))
    if field.default not in (None, ""):
        return field.default
    if field.type in (FieldType.INTEGER, FieldType.NUMBER) and field.minimum is not None:
        return field.minimum if field.type is FieldType.NUMBER else int(field.minimum)
    return _SAMPLES[field.type]
