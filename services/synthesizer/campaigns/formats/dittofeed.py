"""Journeys of Dittofeed, with the templates and segments that they name, as its API and its files have them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from services.synthesizer.campaigns.formats.building import MAX_TEXT, Fields, Names, endless, slug, text_of
from services.synthesizer.campaigns.formats.errors import CampaignImportInvalid
from services.synthesizer.campaigns.formats.imported import Attachment, Imported, Outcome, Part
from shared.errors import Violation
from shared.model.campaigns.model import (
    MAX_CONDITION,
    MAX_EMAIL,
    MAX_SMS,
    Action,
    Arm,
    Branch,
    Campaign,
    Condition,
    Delay,
    Exit,
    FieldType,
    QuietHours,
    SendEmail,
    SendSms,
    Split,
    Step,
    Webhook,
    Weekday,
)
from shared.model.campaigns.times import DAY, MAX_DURATION
from shared.model.templates import BadTemplate, Template
from shared.words import any_of, counted

_EXIT = "ExitNode"
_KINDS = (
    "DelayNode",
    "MessageNode",
    "SegmentSplitNode",
    "WaitForNode",
    "RandomCohortNode",
    "RateLimitNode",
    "ExperimentSplitNode",
    _EXIT,
)
_ENTRIES = ("SegmentEntryNode", "EntryNode", "EventEntryNode")
_USER = re.compile(r"(?<![\w.'\"])user(?=\.\w|\[)")
_MERGED = re.compile(r"\{\{[^{}]*\}\}|\{%[^{}%]*%\}")
_TAG = re.compile(r"\{%-?\s{0,9}unsubscribe_(?:link|url)[^%]*%\}")
_MOST_NODES = 500
_LISTED = 100


def is_journey(document: Any) -> bool:
    """True if a document has the keys of a journey."""
    definition = _definition(document)
    return isinstance(definition, Mapping) and "entryNode" in definition and isinstance(definition.get("nodes"), list)


def import_journey(document: Any, file: str, others: Sequence[Attachment] = ()) -> Imported:
    """The campaign of a journey. others: templates and segments in files of their own. Raises CampaignImportInvalid."""
    return _Journey(document, file, others).run()


def _definition(document: Any) -> Any:
    if isinstance(document, Mapping) and isinstance(document.get("journey"), Mapping):
        document = document["journey"]
    return document.get("definition", document) if isinstance(document, Mapping) else None


class _Journey:
    def __init__(self, document: Any, file: str, others: Sequence[Attachment]) -> None:
        self._file = file
        self._problems: list[Violation] = []
        definition = _definition(document)
        if not is_journey(document):
            raise self._invalid("it needs the keys `entryNode` and `nodes`")
        named = document.get("journey", document)
        self._name = str(named.get("name") or "")[:200] or file.rpartition(".")[0] or file
        self._entry: Any = definition["entryNode"]
        self._nodes = self._read_nodes(definition["nodes"])
        self._templates = _Templates(document, others)
        self._segments = _named(document, "segments")
        self._fields = Fields()
        self._ids = Names()
        self._entered: set[str] = set()
        self._parts: list[Part] = []
        self._texts: dict[tuple[str, str], tuple[str, list[str]]] = {}
        self._reasons: list[str] = []
        self._steps: list[Step] = []

    def run(self) -> Imported:
        for key, node in self._nodes.items():
            variant = _mapping(node.get("variant"))
            called = node.get("name") or variant.get("template") or node["type"].removesuffix("Node")
            self._ids.of(key, slug(str(called)))
        first = self._begin()
        for key, node in self._nodes.items():
            if "id" in node or key in self._entered:
                self._node(key, node)
        leads = {step.id: [edge.target for edge in step.edges] for step in self._steps}
        for one in endless(leads, [step.id for step in self._steps if isinstance(step.action, Exit)]):
            self._wrong(f"step `{one}`", "No way leads from here to the end of the journey.")
        if sum(text_of(step.action) for step in self._steps) > MAX_TEXT:
            self._wrong("nodes", f"Their messages have more than {MAX_TEXT:,} characters.")
        if self._problems:
            raise self._invalid(f"it has {counted(len(self._problems), 'problem')}")
        self._fields.settle()
        campaign = Campaign(
            display_name=self._name,
            description="Imported from Dittofeed.",
            start=first,
            quiet_hours=QuietHours(0, 0),
            contact=self._fields.declared(),
            steps=tuple(self._steps),
        )
        return Imported(campaign, self._parts)

    def _read_nodes(self, listed: Sequence[Any]) -> Mapping[str, Mapping[str, Any]]:
        nodes: dict[str, Mapping[str, Any]] = {}
        if len(listed) > _MOST_NODES:
            self._wrong("nodes", f"There are {len(listed):,} nodes, and there may be {_MOST_NODES:,}.")
            raise self._invalid("it is too large")
        for number, node in enumerate(listed):
            place = f"nodes[{number}]"
            if not isinstance(node, Mapping):
                self._wrong(place, "A node is an object.")
                continue
            kind, key = node.get("type"), str(node.get("id", _EXIT if node.get("type") == _EXIT else ""))
            if kind not in _KINDS:
                self._wrong(f"{place}.type", f"It should be {any_of(_KINDS)}, not `{str(kind)[:60]}`.")
            elif not key:
                self._wrong(f"{place}.id", "A node needs an id.")
            elif key in nodes:
                self._wrong(f"{place}.id", f"There are two nodes `{key[:60]}`.")
            else:
                nodes[key] = node
        nodes.setdefault(_EXIT, {"type": _EXIT})
        return nodes

    def _begin(self) -> str:
        """The id of the first step."""
        entry = self._entry if isinstance(self._entry, Mapping) else {}
        kind = str(entry.get("type") or ("EventEntryNode" if "event" in entry else "SegmentEntryNode"))
        if kind not in _ENTRIES or not (entry.get("segment") or entry.get("event")):
            self._wrong(
                "entryNode", "It should be a SegmentEntryNode with `segment`, or an EventEntryNode with `event`."
            )
        what = "has the event" if kind == "EventEntryNode" else "is in the segment"
        reasons = [f"Every contact enters, as if it {what} `{str(entry.get('event') or entry.get('segment'))[:100]}`."]
        if entry.get("reEnter") is True:
            reasons.append("A contact enters once; it may not enter again.")
        self._parts.append(Part("entry", kind, Outcome.APPROXIMATED, (), tuple(reasons)))
        return self._to(entry, "child", "entryNode")

    def _to(self, node: Mapping[str, Any], key: str, place: str) -> str:
        """The id of the step to which a key of a node leads."""
        target = node.get(key)
        if target is None or str(target) not in self._nodes:
            said = (
                "It is missing" if target is None else f"It names the node `{str(target)[:100]}`, which does not exist"
            )
            self._wrong(f"{place}.{key}", f"{said}; it should be the id of a node.")
            return ""
        self._entered.add(str(target))
        return self._ids.of(str(target), "")

    def _node(self, key: str, node: Mapping[str, Any]) -> None:
        """Add the steps of a node."""
        here, place = self._ids.of(key, ""), f"node `{key[:60]}`"
        before, self._reasons = len(self._steps), []
        match node["type"]:
            case "ExitNode":
                self._add(here, Exit("The journey ends."))
            case "DelayNode":
                self._add(here, self._delay(node, place), self._to(node, "child", place))
            case "MessageNode":
                self._add(here, self._message(node, place), self._to(node, "child", place))
            case "SegmentSplitNode":
                self._split(here, node, place)
            case "WaitForNode":
                self._wait_for(here, node, place)
            case "RandomCohortNode":
                self._cohorts(here, node, place)
            case kind:  # nodes that Dittofeed itself does not play
                self._reasons.append(f"Dittofeed does nothing at a {kind}.")
                self._add(here, Delay(duration=0), self._to(node, "child", place))
        outcome = Outcome.APPROXIMATED if self._reasons else Outcome.READ
        steps = tuple(step.id for step in self._steps[before:])
        if "id" in node:
            self._parts.append(Part(str(node.get("name") or key), node["type"], outcome, steps, tuple(self._reasons)))

    def _add(self, here: str, action: Action, target: str = "") -> None:
        self._steps.append(Step(here, action, target))

    def _delay(self, node: Mapping[str, Any], place: str) -> Action:
        variant = _mapping(node.get("variant"))
        match variant.get("type"):
            case "Second":
                return Delay(duration=self._seconds(variant.get("seconds"), f"{place}.variant.seconds"))
            case "LocalTime":
                return self._local_time(variant, place)
            case "UserProperty":
                named = variant.get("userProperty")
                self._reasons.append(f"Until when it waits is the user property `{named}`; it waits for a day.")
                return Delay(duration=DAY)
        self._wrong(f"{place}.variant.type", "It should be Second, LocalTime or UserProperty.")
        return Delay(duration=0)

    def _local_time(self, variant: Mapping[str, Any], place: str) -> Action:
        hour, minute, days = variant.get("hour"), variant.get("minute", 0), variant.get("allowedDaysOfWeek")
        if not isinstance(hour, int) or not isinstance(minute, int) or not 0 <= hour * 60 + minute < 24 * 60:
            self._wrong(f"{place}.variant", "It needs `hour` from 0 to 23 and may have `minute` from 0 to 59.")
            return Delay(duration=0)
        allowed = [one for one in days if isinstance(one, int)] if isinstance(days, list) else []
        weekday = None
        if allowed and len(allowed) < 7:
            weekday = [*Weekday][(allowed[0] - 1) % 7]  # Dittofeed's weeks begin on Sunday
            if len(allowed) > 1:
                self._reasons.append(f"Of the days on which it goes on, only {weekday.value} counts.")
        return Delay(time=hour * 60 + minute, weekday=weekday)

    def _message(self, node: Mapping[str, Any], place: str) -> Action:
        variant = _mapping(node.get("variant"))
        kind, named = variant.get("type"), str(variant.get("templateId") or variant.get("template") or "")
        template = self._templates.find(named)
        if template is None:
            self._reasons.append(f"There is no template `{named}`; the message says its name.")
            template = {"subject": named, "body": f"[{named}]"}
        body = self._text(template.get("body"), named)
        match kind:
            case "Email":
                subject = self._text(template.get("subject"), named)[:1_000]
                return SendEmail(subject, body[:MAX_EMAIL], self._headers(template, named))
            case "Sms" | "MobilePush":
                if kind == "MobilePush":
                    title = self._text(template.get("title"), named)
                    body = f"{title}\n{body}" if title else body
                    self._reasons.append("A push message is sent as an SMS.")
                return SendSms(body[:MAX_SMS])
            case "Webhook":
                tool = slug(named)
                self._reasons.append(f"Nothing is called; the tool `{tool}` answers.")
                return Webhook(tool)
        self._wrong(f"{place}.variant.type", "It should be Email, Sms, MobilePush or Webhook.")
        return Exit()

    def _headers(self, template: Mapping[str, Any], named: str) -> Mapping[str, str]:
        given = [("From", template.get("from")), ("Reply-To", template.get("replyTo"))]
        given += [(str(one.get("name")), one.get("value")) for one in _objects(template.get("headers"))]
        return {name: self._text(value, named)[:2_000] for name, value in given[:50] if name and value}

    def _text(self, text: Any, template: str) -> str:
        """A template of Dittofeed as one of ours."""
        if not isinstance(text, str):
            if text is not None:
                self._reasons.append(f"The body of the template `{template}` is no text and is left out.")
            return ""
        if (text, template) not in self._texts:
            before = len(self._reasons)
            made = self._translated(text, template)
            self._texts[text, template] = made, self._reasons[before:]
            return made
        made, reasons = self._texts[text, template]
        self._reasons += reasons
        return made

    def _translated(self, text: str, template: str) -> str:
        if _TAG.search(text):
            text = _TAG.sub('<a href="{{ unsubscribe_url }}">unsubscribe</a>', text)
        text = _MERGED.sub(lambda found: str(_USER.sub("contact", found[0])), text[:MAX_EMAIL])
        for path in sorted(self._paths(text, template), key=lambda path: -len(path[-1])):
            if path[0] == "contact" and len(path) > 1:
                use = self._fields.use(path[1:], "_".join(path[1:]), f"The user property `{'.'.join(path[1:])}`.")
                text = text.replace(f"contact.{'.'.join(path[1:])}", f"contact.{use.name}")
            elif path[0] not in ("contact", "reply", "results", "sender", "tags", "unsubscribe_url"):
                self._reasons.append(f"Nothing fills `{'.'.join(path)}` of the template `{template}`.")
        return text

    def _paths(self, text: str, template: str) -> Sequence[tuple[str, ...]]:
        try:
            return [*dict.fromkeys(Template(text, MAX_EMAIL).paths())]
        except BadTemplate as bad:
            self._reasons.append(f"The template `{template}` is not understood: {bad}")
            return []

    def _split(self, here: str, node: Mapping[str, Any], place: str) -> None:
        variant = _mapping(node.get("variant"))
        ways = [self._to(variant, key, f"{place}.variant") for key in ("trueChild", "falseChild")]
        when = self._segment(variant.get("segment"), f"{place}.variant.segment")
        self._add(here, Condition((Branch(when, ways[0], "true"),), ways[1]))

    def _wait_for(self, here: str, node: Mapping[str, Any], place: str) -> None:
        """Contacts go on when they are in a segment: it is looked at when they come and when the time is over."""
        seconds = self._seconds(node.get("timeoutSeconds"), f"{place}.timeoutSeconds")
        late = self._to(node, "timeoutChild", place)
        branches = []
        for number, one in enumerate(_objects(node.get("segmentChildren"))):
            inside = f"{place}.segmentChildren[{number}]"
            target = self._to(one, "child" if "child" in one else "id", inside)
            when = self._segment(one.get("segmentId") or one.get("segment"), f"{inside}.segmentId")
            branches.append(Branch(when, target, f"segment {number + 1}"))
        if not branches:
            self._wrong(f"{place}.segmentChildren", "It should be a list with at least one segment.")
        self._reasons.append(
            "Whether a contact is in a segment is looked at twice: at once, and when the time is over."
        )
        pause, again = (self._ids.of((here, way), f"{here[:50]}_{way}") for way in ("wait", "again"))
        self._add(here, Condition(tuple(branches), pause))
        self._add(pause, Delay(duration=seconds), again)
        self._add(again, Condition(tuple(branches), late))

    def _cohorts(self, here: str, node: Mapping[str, Any], place: str) -> None:
        arms, names = [], Names()
        for number, one in enumerate(_objects(node.get("children"))):
            inside, percent = f"{place}.children[{number}]", one.get("percent")
            if isinstance(percent, bool) or not isinstance(percent, int | float) or not 0 <= percent <= 100:
                self._wrong(f"{inside}.percent", "It should be a number from 0 to 100.")
                percent = 0
            target = self._to(one, "child" if "child" in one else "id", inside)
            arms.append(
                Arm(names.of(number, str(one.get("name") or f"cohort {number + 1}")[:60]), target, float(percent))
            )
        if not arms:
            self._wrong(f"{place}.children", "It should be a list with at least one cohort.")
        self._add(here, Split(tuple(arms[:100])))

    def _segment(self, named: Any, place: str) -> str:
        """The condition of a segment: its definition, or a contact field if that is not there."""
        if not isinstance(named, str | int) or named == "":
            self._wrong(place, "It should be the id or the name of a segment.")
            return "false"
        segment = self._segments.get(str(named))
        told = str(_mapping(segment).get("name") or named)
        when = self._defined(_mapping(_mapping(segment).get("definition")))
        if when:
            return when
        use = self._fields.use(("segment", told), f"in_{told}", f"Whether the contact is in the segment `{told}`.")
        use.hints.add(FieldType.BOOLEAN)
        self._reasons.append(f"The contact's field `{use.name}` says whether it is in the segment `{told}`.")
        return f"contact.{use.name}"

    def _defined(self, definition: Mapping[str, Any]) -> str:
        """The condition of a segment whose definition compares traits with texts; "" if it does anything else."""
        nodes = {str(one.get("id")): one for one in _objects(definition.get("nodes"))}
        entry = _mapping(definition.get("entryNode"))
        parts = (
            [nodes.get(str(one), {}) for one in entry.get("children") or ()]
            if entry.get("type") in ("And", "Or")
            else [entry]
        )
        made = [self._trait(one) for one in parts]
        if not made or not all(made):
            return ""
        joined = (" || " if entry.get("type") == "Or" else " && ").join(made)
        return joined if len(joined) <= MAX_CONDITION else ""

    def _trait(self, node: Mapping[str, Any]) -> str:
        operator = _mapping(node.get("operator"))
        path, value = node.get("path"), operator.get("value")
        if node.get("type") != "Trait" or not isinstance(path, str) or not path or not isinstance(value, str | None):
            return ""
        parts = tuple(path.removeprefix("$.").split("."))
        name = f"contact.{self._fields.use(parts, '_'.join(parts), f'The user property `{path}`.').name}"
        compared = "'" + (value or "").replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"
        match operator.get("type"):
            case "Equals":
                return f"{name} == {compared}"
            case "NotEquals":
                return f"{name} != {compared}"
            case "Exists":
                return f"{name} != ''"
            case "NotExists":
                return f"{name} == ''"
        return ""

    def _seconds(self, value: Any, place: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_DURATION:
            self._wrong(place, "It should be a number of seconds from 0 to ten years.")
            return 0
        return round(value)

    def _wrong(self, place: str, sentence: str) -> None:
        self._problems.append(Violation(place, sentence))

    def _invalid(self, why: str) -> CampaignImportInvalid:
        problems = self._problems[:_LISTED]
        return CampaignImportInvalid(file=self._file, format="Dittofeed journey", why=why, violations=problems)


class _Templates:
    """The templates of a document and of the files beside it, by id and by name in any case."""

    def __init__(self, document: Any, others: Sequence[Attachment]) -> None:
        self._found: dict[str, Mapping[str, Any]] = {}
        bodies = {}
        for name, content in others:
            if isinstance(content, str):
                bodies[_plain(name.split(".")[0])] = content
            elif isinstance(content, Mapping):
                for inside in [*_named(content, "templates").values()] or [content]:
                    self._add(inside, name.split(".")[0])
        for template in _named(document, "templates").values():
            self._add(template, "")
        for name, body in bodies.items():
            self._found[name] = {"body": body, **self._found.get(name, {})}

    def find(self, name: str) -> Mapping[str, Any] | None:
        """The template with an id or a name."""
        return self._found.get(_plain(name))

    def _add(self, template: Any, file: str) -> None:
        inside = _mapping(template)
        definition = {**_mapping(inside.get("definition") or inside)}
        for key in ("html", "text", "mjml"):
            if key in definition:
                definition.setdefault("body", definition[key])
        for name in (inside.get("id"), inside.get("name"), file):
            if isinstance(name, str) and name:
                self._found[_plain(name)] = definition


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", name.lower())


def _named(document: Any, key: str) -> Mapping[str, Any]:
    """The members of a document at a key by their ids and names; they may be a list or an object."""
    inside = _mapping(document).get(key)
    if isinstance(inside, Mapping):
        return {str(name): one for name, one in inside.items()}
    return {str(name): one for one in _objects(inside) for name in (one.get("name"), one.get("id")) if name}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _objects(value: Any) -> Iterable[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
