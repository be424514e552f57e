"""The message of a step as a contact gets it."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from shared.model.campaigns.model import MAX_EMAIL, Channel, SendEmail, Sender, SendSms
from shared.model.events import Json
from shared.model.templates import MAX_OUTPUT, Template

UNSUBSCRIBE_URL = "https://unsubscribe.example.com/c/8f3a61"
"""Stands for the contact's own link."""


class Rendered(NamedTuple):
    """A message with its templates filled in. An SMS has no subject and no headers."""

    channel: Channel
    body: str
    subject: str
    headers: Mapping[str, str]


def rendered(
    action: SendSms | SendEmail, values: Mapping[str, Json], template: Callable[[str, int], Template] = Template
) -> Rendered:
    """The message. values: of `TEMPLATE_NAMES`. template: compiles a text with a most length of its output.

    Raises BadTemplate and TooMuchWork.
    """

    def fill(text: str, longest: int = MAX_OUTPUT) -> str:
        return template(text, longest).render(values)

    match action:
        case SendSms(body):
            return Rendered(Channel.SMS, fill(body), "", {})
        case SendEmail(subject, body, headers):
            filled = {name: fill(value) for name, value in headers.items()}
            return Rendered(Channel.EMAIL, fill(body, MAX_EMAIL), fill(subject), filled)


def sender_values(sender: Sender) -> dict[str, Json]:
    """What templates see as `sender`."""
    return {"name": sender.name, "sms": sender.sms, "email": sender.email, "address": sender.address}
