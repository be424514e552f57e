"""What each type of node of n8n does in a campaign."""

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from services.synthesizer.campaigns.formats.n8n.workflow import Node
from shared.model.campaigns.model import Channel
from shared.model.campaigns.times import DAY, HOUR, MAX_DURATION, MINUTE, WEEK


class Role(StrEnum):
    """What a node does in a campaign."""

    START = "start"
    BRANCH = "branch"
    LOOP = "loop"
    MESSAGE = "message"
    WAIT = "wait"
    SET = "set"
    END = "end"
    NOTE = "note"
    SHAPES = "shapes"
    """It only arranges items, of which a contact is one."""
    CALL = "call"
    """It asks another system, or runs code."""


_SHAPES = frozenset(
    "noOp limit sort removeDuplicates splitOut itemLists aggregate summarize executionData merge renameKeys "
    "moveBinaryData".split()
)
_EMAIL = frozenset(
    "gmail emailSend microsoftOutlook sendGrid mailgun mailjet awsSes mandrill sendInBlue brevo mailerSend postmark "
    "zohoMail".split()
)
_CHAT = frozenset(
    "telegram whatsApp twilio slack discord mattermost microsoftTeams rocketchat googleChat line matrix messageBird "
    "vonage plivo msg91 sms77 seven mocean pushover pushbullet gotify zulip ciscoWebex facebookMessenger chat".split()
)
TEXTING = frozenset("twilio messageBird vonage plivo msg91 sms77 seven mocean".split())
"""Nodes that send an SMS."""
_MESSAGING = re.compile(
    r"api\.telegram\.org/[^ ]{0,200}/send|graph\.facebook\.com/[^ ]{0,200}/messages"
    r"|api\.twilio\.com/[^ ]{0,200}/Messages|hooks\.slack\.com/|slack\.com/api/chat\.postMessage"
    r"|discord(?:app)?\.com/api/webhooks/"
)
"""Addresses at which an HTTP request sends a message to a person."""
_SENDS = frozenset(("", "send", "post", "reply", "create", "message", "sendAndWait", "push", "postMessage"))
_RESOURCES = frozenset(
    ("", "message", "email", "mail", "sms", "draft", "chatMessage", "channelMessage", "notification", "push", "chat")
)
_BODIES = (
    "html textBody message text bodyContent messageText content body contentValue htmlContent textContent htmlPart "
    "textPart caption"
).split()
_UNITS = {
    "seconds": 1,
    "minutes": MINUTE,
    "hours": HOUR,
    "days": DAY,
    "weeks": WEEK,
    "months": 30 * DAY,
}
WEEK_TO_ANSWER = 7 * DAY
"""How long an answer is waited for if the workflow does not say."""


def role(node: Node) -> Role:
    """What a node does."""
    kind = node.kind
    if kind.endswith(("Trigger", "trigger")) or kind in ("webhook", "cron", "interval", "start", "emailReadImap"):
        return Role.START
    if kind in ("if", "switch", "filter", "textClassifier", "sentimentAnalysis"):
        return Role.BRANCH
    if kind in ("wait", "form"):
        return Role.WAIT
    named = {"splitInBatches": Role.LOOP, "set": Role.SET, "stopAndError": Role.END, "stickyNote": Role.NOTE}
    if kind in named:
        return named[kind]
    if kind in _SHAPES:
        return Role.SHAPES
    return Role.MESSAGE if channel(node) is not None else Role.CALL


def channel(node: Node) -> Channel | None:
    """How the message of a node reaches the contact; None if it sends none."""
    if node.kind == "httpRequest":
        url = node.parameters.get("url")
        return Channel.SMS if isinstance(url, str) and _MESSAGING.search(url) else None
    if node.kind not in _EMAIL and node.kind not in _CHAT:
        return None
    operation, resource = str(node.parameters.get("operation") or ""), str(node.parameters.get("resource") or "")
    sends = operation in _SENDS or (operation.startswith("send") and operation != "sendChatAction")
    if not sends or resource not in _RESOURCES or (resource == "chat" and operation == ""):
        return None
    if node.kind == "mailjet" and resource == "sms":
        return Channel.SMS
    if operation == "create" and resource == "":
        return None
    return Channel.EMAIL if node.kind in _EMAIL else Channel.SMS


def waits_for_answer(node: Node) -> bool:
    """True if a message waits for what the person answers."""
    return node.parameters.get("operation") == "sendAndWait"


def body_of(node: Node) -> Any:
    """The text of a message as the file has it; None if it has none."""
    for values in (node.parameters, *_inside(node.parameters)):
        for name in _BODIES:
            if values.get(name) not in (None, "", "="):
                return values[name]
    for pair in _pairs(node.parameters):
        if str(pair.get("name")).lower() in ("text", "body", "message", "content"):
            return pair.get("value")
    for name in ("blocksUi", "jsonBody"):
        inside = node.parameters.get(name)
        if isinstance(inside, str):
            texts = re.findall(r'"(?:text|body|content)":\s*"((?:\\.|[^"\\])*)"', inside)
            return "=" + "\n".join(texts).replace("\\n", "\n")
    for name in ("file", "template", "templateId"):
        if node.parameters.get(name):
            return _named(node.parameters[name])
    return None


def subject_of(node: Node) -> Any:
    """The subject of an e-mail as the file has it."""
    for values in (node.parameters, *_inside(node.parameters)):
        if values.get("subject"):
            return values["subject"]
    return ""


def recipient_of(node: Node) -> str:
    """To whom a message goes, as the file has it; "" if it does not say."""
    names = "sendTo toEmail toRecipients chatId recipientPhoneNumber to toAddresses channelId channel user".split()
    for name in names:
        value = _named(node.parameters.get(name))
        if isinstance(value, str) and value:
            return value
    return ""


def duration_of(node: Node) -> int | None:
    """The seconds of a Wait; None if they are an expression or a point in time."""
    parameters = node.parameters
    if parameters.get("resume") in ("specificTime", "webhook", "form"):
        return None
    unit = str(parameters.get("unit") or ("seconds" if node.version > 1 else "hours"))
    amount = parameters.get("amount", 5 if node.version > 1 else 1)
    if isinstance(amount, str) and re.fullmatch(r"\d+(\.\d+)?", amount):
        amount = float(amount)
    if isinstance(amount, bool) or not isinstance(amount, int | float) or unit not in _UNITS or amount < 0:
        return None
    return min(round(amount * _UNITS[unit]), MAX_DURATION)


def timeout_of(parameters: Mapping[str, Any]) -> int | None:
    """The seconds after which a wait for an answer ends; None if the node does not say."""
    options = parameters.get("options")
    limit = options.get("limitWaitTime") if isinstance(options, Mapping) else None
    values = limit.get("values") if isinstance(limit, Mapping) else parameters
    if not isinstance(values, Mapping):
        return None
    amount, unit = values.get("resumeAmount"), _UNITS.get(str(values.get("resumeUnit") or "hours"))
    if isinstance(amount, bool) or not isinstance(amount, int | float) or unit is None or amount <= 0:
        return None
    return min(round(amount * unit), MAX_DURATION)


def time_of(node: Node) -> int | None:
    """The minute of the day at which a schedule begins a workflow; None if it names none."""
    rule = node.parameters.get("rule") or node.parameters.get("triggerTimes")
    items = rule.get("interval") or rule.get("item") if isinstance(rule, Mapping) else None
    first = items[0] if isinstance(items, list) and items and isinstance(items[0], Mapping) else {}
    hour = first.get("triggerAtHour", first.get("hour"))
    minute = first.get("triggerAtMinute", first.get("minute", 0))
    if isinstance(hour, bool) or not isinstance(hour, int) or not isinstance(minute, int):
        return None
    return hour * 60 + minute if 0 <= hour < 24 and 0 <= minute < 60 else None


def _inside(parameters: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    names = ("additionalFields", "options", "message", "messageUi", "otherOptions")
    return [inside for name in names if isinstance(inside := parameters.get(name), Mapping)]


def _pairs(parameters: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The parameters that a request sends, each with `name` and `value`."""
    for name in ("bodyParameters", "bodyParametersUi", "queryParameters", "queryParametersUi"):
        inside = parameters.get(name)
        listed = inside.get("parameters") or inside.get("parameter") if isinstance(inside, Mapping) else None
        yield from (one for one in listed if isinstance(one, Mapping)) if isinstance(listed, list) else ()


def _named(value: Any) -> Any:
    """A value that was chosen from a list of n8n, by its name."""
    if isinstance(value, Mapping):
        return value.get("cachedResultName") or value.get("value")
    return value
