"""What the nodes of a workflow do for a contact that comes to them."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from services.synthesizer.campaigns.formats.building import Names, Use, slug
from services.synthesizer.campaigns.formats.n8n.data import Data
from services.synthesizer.campaigns.formats.n8n.kinds import (
    TEXTING,
    WEEK_TO_ANSWER,
    Role,
    body_of,
    channel,
    duration_of,
    recipient_of,
    role,
    subject_of,
    time_of,
    timeout_of,
    waits_for_answer,
)
from services.synthesizer.campaigns.formats.n8n.paths import Parts, Path, label
from services.synthesizer.campaigns.formats.n8n.sets import assignments
from services.synthesizer.campaigns.formats.n8n.texts import Texts, members
from services.synthesizer.campaigns.formats.n8n.workflow import Node
from shared.model.campaigns.model import (
    MAX_EMAIL,
    MAX_SMS,
    Action,
    Channel,
    Delay,
    Exit,
    FieldType,
    SendEmail,
    SendSms,
    UpdateContact,
    WaitForReply,
    Webhook,
)
from shared.model.campaigns.times import DAY
from shared.model.events import Json

_MOST_FIELDS = 100
"""The most fields that one step changes."""


class Actions:
    """Makes actions of nodes. say: notes what was only approximated, (node, sentence)."""

    def __init__(self, data: Data, say: Callable[[str, str], None]) -> None:
        self._data = data
        self._say = say
        self._tools = Names()
        self._made: dict[str, Sequence[Action]] = {}

    def of(self, node: Node) -> Sequence[Action]:
        """What a node does one after the other, besides leading on."""
        if node.name not in self._made:
            self._made[node.name] = self._make(node)
        return self._made[node.name]

    def _make(self, node: Node) -> Sequence[Action]:
        if node.disabled:
            self._say(node.name, "It is disabled.")
            return []
        match role(node):
            case Role.START:
                return self._started(node)
            case Role.MESSAGE:
                return self._message(node)
            case Role.WAIT:
                return [self._wait(node)]
            case Role.SET:
                values = self._set(node)
                return [UpdateContact(values)] if values else []
            case Role.CALL:
                return self._call(node)
            case Role.END:
                return [Exit(str(node.parameters.get("errorMessage") or "The workflow stops.")[:500])]
        if node.kind not in ("noOp", "merge"):
            self._say(node.name, "It arranges items; a contact is one item.")
        return []

    def _started(self, node: Node) -> list[Action]:
        minute = time_of(node)
        if minute is not None:
            self._say(node.name, "The contact enters at the time of day of the schedule, once.")
            return [Delay(time=minute)]
        if node.kind in ("scheduleTrigger", "cron", "interval"):
            self._say(node.name, "The contact enters once, not at each turn of the schedule.")
        elif node.kind not in ("manualTrigger", "start"):
            self._say(node.name, "The contact enters once; what it brings are contact fields.")
        return []

    def _message(self, node: Node) -> list[Action]:
        by, texts = channel(node), Texts(self._data.scope(node))
        told = body_of(node)
        body = texts.template(told)
        if told is None:
            self._say(node.name, "It has no text.")
        if node.parameters.get("resource") == "draft":
            self._say(node.name, "The draft is sent.")
        if by is Channel.SMS and node.kind not in TEXTING:
            self._say(node.name, f"A message of {node.kind} is sent as an SMS.")
        to = recipient_of(node)
        if to and not to.startswith("="):
            self._say(node.name, "It goes to a fixed recipient, whom the contact plays.")
        waits = waits_for_answer(node)
        if waits and node.parameters.get("responseType") == "freeText":
            self._say(node.name, "The answer is the contact's reply.")
        elif waits:
            body += "\n\nReply YES to approve, or NO."
            self._say(node.name, "The answer is the contact's reply; the message says that YES approves.")
        longest = MAX_SMS if by is Channel.SMS else MAX_EMAIL
        if len(body) > longest:
            self._say(node.name, f"Its text is cut after {longest:,} characters.")
            body = _cut(body, longest)
        sent: Action = SendSms(body)
        if by is Channel.EMAIL:
            sent = SendEmail(texts.template(subject_of(node))[:1_000], body)
        self._not_filled(node, texts)
        return [sent, WaitForReply(timeout_of(node.parameters) or WEEK_TO_ANSWER)] if waits else [sent]

    def _wait(self, node: Node) -> Action:
        if node.kind == "form" or node.parameters.get("resume") in ("webhook", "form"):
            self._say(node.name, "It waits for a reply of the contact, because nothing else can come in.")
            limited = timeout_of(node.parameters) if node.parameters.get("limitWaitTime") is True else None
            return WaitForReply(limited or WEEK_TO_ANSWER)
        seconds = duration_of(node)
        if seconds is None:
            self._say(node.name, "How long it waits is an expression or a date; it waits for a day.")
        elif not node.version and "unit" not in node.parameters:
            self._say(node.name, "It has no unit; hours are assumed.")
        return Delay(duration=DAY if seconds is None else seconds)

    def _set(self, node: Node) -> dict[str, Json]:
        texts = Texts(self._data.scope(node))
        found, unread = assignments(node)
        if unread:
            self._say(node.name, f"{unread} What it gives are contact fields.")
        values: dict[str, Json] = {}
        for parts, value in found.items():
            use = self._data.use(node.name, Path(node.name, parts))
            kind = self._data.fields.type(use)
            texts.failed.clear()
            text = texts.template(value) if isinstance(value, str) else ""
            literal = _literal(text if isinstance(value, str) else value, kind)
            if texts.failed:
                why = next(iter(texts.failed.values()))
                self._say(
                    node.name, f"`{label(parts)}` is not set, because {why}; it is the contact field `{use.name}`."
                )
            elif kind is FieldType.TEXT:
                values[use.name] = text if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            elif literal is not None:
                values[use.name] = literal
            elif text != f"{{{{ contact.{use.name} }}}}":
                why = f"it may not be of type {kind.value}"
                self._say(
                    node.name, f"`{label(parts)}` is not set, because {why}; it is the contact field `{use.name}`."
                )
        changed = [name for name, value in values.items() if value != f"{{{{ contact.{name} }}}}"]
        return {name: values[name] for name in changed[:_MOST_FIELDS]}

    def _not_set(self, node: Node, parts: Parts, use: Use, why: str) -> None:
        self._say(node.name, f"`{label(parts)}` is not set, because {why}; it is the contact field `{use.name}`.")

    def _call(self, node: Node) -> list[Action]:
        tool = self._tools.of(node.name, slug(node.name))
        what = "Its code is not run" if node.kind in ("code", "function", "functionItem") else "Nothing is called"
        self._say(node.name, f"{what}; the tool `{tool}` answers, and what it leaves out are contact fields.")
        texts = Texts(self._data.scope(node))
        arguments = {
            name: node.parameters[name][:200]
            for name in ("method", "operation", "resource")
            if isinstance(node.parameters.get(name), str)
        }
        url = node.parameters.get("url")
        hook = Webhook(tool, arguments, texts.template(url)[:2_000] if isinstance(url, str) else "")
        self._not_filled(node, texts)
        filled: dict[str, Json] = {}
        for name, (use, parts) in [*self._data.answers.get(node.name, {}).items()][:_MOST_FIELDS]:
            as_text = " | append: ''" if self._data.fields.type(use) is FieldType.TEXT else ""
            answer = f"results.{tool}{members(parts)} | default: contact.{name}, allow_false: true"
            filled[name] = f"{{{{ {answer}{as_text} }}}}"
        return [hook, UpdateContact(filled)] if filled else [hook]

    def _not_filled(self, node: Node, texts: Texts) -> None:
        for expression, why in texts.failed.items():
            self._say(node.name, f"`{short(expression)}` is not filled in, because {why}.")


def short(text: str) -> str:
    """The text on one line, cut after 100 characters."""
    plain = " ".join(text.split())
    return plain if len(plain) <= 100 else f"{plain[:100]}…"


def _cut(template: str, longest: int) -> str:
    """The beginning of a template, without a merge field that is cut in two."""
    kept = template[:longest]
    begins, ends = (max(kept.rfind(one) for one in signs) for signs in (("{{", "{%"), ("}}", "%}")))
    return kept[:begins] if begins > ends else kept


def _literal(value: Any, kind: FieldType) -> bool | float | None:
    """The value of a constant of a type; None if it is no such constant."""
    text = str(value).strip().lower()
    if kind is FieldType.BOOLEAN:
        return text == "true" if text in ("true", "false") else None
    try:
        return float(text) if kind is FieldType.NUMBER and not isinstance(value, bool) else None
    except ValueError:
        return None
