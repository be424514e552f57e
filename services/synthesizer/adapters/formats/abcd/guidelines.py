"""Compiles a guideline in prose into steps and tools.

The vocabulary is abcd.yaml. The instructions contain the whole prose, also what the vocabulary does not know.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from services.synthesizer.adapters.formats.abcd.vocabulary import Slot, own_argument, spoken_of, vocabulary
from services.synthesizer.adapters.formats.fields import Fields
from shared.model.events import Json
from shared.model.steps import Ask, Branch, Call, Say, Schema, Step, Tool
from shared.words import any_of

_QUOTED = re.compile(r"(?<!\w)['\"“‘](.+?)['\"”’](?!\w)")
_CONSTANT = re.compile(r"\b(?:enter|type)(?: in)?(?: the value of)? (?<!\w)['\"“‘](.+?)['\"”’](?!\w)", re.IGNORECASE)
_OPTIONS = re.compile(r"\boptions?\b|\bone of\b|\beither\b|\bthe following\b", re.IGNORECASE)
_SOME_OF = re.compile(r"\b(\d+) out of (\d+)\b")
_UNHAPPY = re.compile(r"\b(?:not satisfied|still unhappy|still not)\b", re.IGNORECASE)
_OFFER = re.compile(r"\boffer to ([^.,;]+)", re.IGNORECASE)
_ACTION = re.compile(r"\[([^\]]+)\]")
_ONLY_IF = re.compile(r"\boracle says (yes|no)\b", re.IGNORECASE)
_SKIP = re.compile(r"oracle (?:says|returns) (yes|no)\W[^.]*?\bskip (?:the next step|to the (.+?) step)", re.IGNORECASE)
_CHOSE = re.compile(r"\bif the customer chose (.+?) then\b", re.IGNORECASE)
_TELL = re.compile(
    r"(?:tell (?:them|the customer)|let (?:them|the customer) know)(?: that)?,? (you .+|the manager .+)", re.IGNORECASE
)
_TURNED = {
    "you": "I",
    "your": "my",
    "them": "you",
    "they": "you",
    "their": "your",
    "customer": "you",
    "yourself": "myself",
}
_WRAP_UP = "wrap-up"
_ALWAYS = "true"


@dataclass(frozen=True, slots=True)
class Guideline:
    """A compiled guideline."""

    instructions: str
    steps: tuple[Step, ...]
    tools: tuple[Tool, ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    """One step of the guideline's prose. lines: its text and subtexts. tool: "" if the step calls none."""

    id: str
    tool: str
    button: str
    lines: tuple[str, ...]
    following: str


@dataclass(slots=True)
class _Draft:
    """The steps and tools so far."""

    actions: Sequence[str]
    steps: list[Step] = field(default_factory=list)
    tools: dict[str, Tool] = field(default_factory=dict)

    def slot_name(self, wanted: str, schema: Schema) -> str:
        """The wanted name, or the name with a number if a slot with another schema has it."""
        schemas = {step.slot: step.schema for step in self.steps if isinstance(step, Ask)}
        names = (wanted, *(f"{wanted}_{number}" for number in range(2, 100)))
        return next(name for name in names if schemas.get(name, schema) == schema)


def compile_guideline(fields: Fields) -> Guideline:
    """Compile the guideline of one line. Raises BadLine for fields of the wrong type."""
    actions = [_text(value, f"kb_actions[{i}]") for i, value in enumerate(fields.items("kb_actions", 100, needed=True))]
    draft = _Draft(list(dict.fromkeys(actions)))
    entries = list(_entries(fields, draft.actions))
    for entry in entries:
        start = len(draft.steps)
        _compile(entry, entries, draft)
        if len(draft.steps) == start:
            # An earlier step may branch to this id; `_tidied` removes the step and redirects the branch.
            draft.steps.append(Branch(_ALWAYS, entry.following))
        draft.steps[start] = replace(draft.steps[start], id=entry.id)
    draft.steps.append(Say("That is all done.", id=_WRAP_UP))
    for action in draft.actions:
        draft.tools.setdefault(action, Tool(action, action.replace("-", " ").capitalize()))
    return Guideline(_instructions(fields, entries), _tidied(draft.steps), tuple(draft.tools.values()))


def _text(value: Json, path: str) -> str:
    return Fields({path: value}).text(path, 20_000, needed=True)


def _entries(fields: Fields, actions: Sequence[str]) -> Iterator[_Entry]:
    steps = fields.items("steps", 60, needed=True)
    for number, value in enumerate(steps, start=1):
        step = Fields(value, f"steps[{number - 1}]")
        lines = [step.text("text", 20_000)]
        lines += [_text(line, f"{step.at('subtext')}[{i}]") for i, line in enumerate(step.items("subtext", 100))]
        button = step.text("button", 200)
        yield _Entry(
            id=f"step-{number}",
            tool=_tool_of(button, actions),
            button=button,
            lines=tuple(" ".join(line.split()) for line in lines if line.strip()),
            following=f"step-{number + 1}" if number < len(steps) else _WRAP_UP,
        )


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z]+", text.lower().replace("n/a", ""))


def _tool_of(button: str, actions: Sequence[str]) -> str:
    """The action with the largest share of words in the button, compared by five letters; "" if it shares none."""
    wanted = {word[:5] for word in _words(button)}
    shared = {action: len(wanted & {word[:5] for word in _words(action)}) / len(_words(action)) for action in actions}
    best = max(actions, key=lambda action: shared[action], default="")
    return best if best and shared[best] > 0 else ""


def _compile(entry: _Entry, entries: Sequence[_Entry], draft: _Draft) -> None:
    oracle = next((action for action in draft.actions if "oracle" in action), "")
    only_if = _ONLY_IF.search(entry.lines[0]) if entry.lines and oracle and entry.tool != oracle else None
    if only_if:
        opposite = "no" if only_if[1].lower() == "yes" else "yes"
        draft.steps.append(Branch(f"results[{oracle!r}].answer == {opposite!r}", entry.following))
    if entry.lines and _UNHAPPY.search(entry.lines[0]):
        draft.steps.extend(_if_unhappy(entry, draft))
    if not entry.tool:
        draft.steps.extend(Say(text) for text in _told(entry.lines))
        return
    arguments = _ask(entry, draft)
    _add_tool(entry, arguments, draft)
    draft.steps.append(Call(entry.tool, {name: slot for name, (slot, _) in arguments.items()}, id=f"{entry.id}-call"))
    if oracle and entry.tool == oracle:
        draft.steps.extend(_skips(entry, entries, oracle))


def _if_unhappy(entry: _Entry, draft: _Draft) -> Iterator[Step]:
    """What decides about a step for unhappy customers: an offer that they take, or that they say they are unhappy."""
    offer = _OFFER.search(entry.lines[0])
    yes_no: Schema = {"type": "string", "enum": ["yes", "no"]}
    if offer:
        schema = {**yes_no, "description": "Whether the customer takes the offer"}
        name, question, passes = draft.slot_name("accepted", schema), f"Shall I {_turned(offer[1])}?", "!= 'yes'"
    else:
        schema = {**yes_no, "description": "Whether the customer is satisfied"}
        name, question, passes = draft.slot_name("satisfied", schema), "Are you happy with that?", "!= 'no'"
    yield Ask(name, question, schema, optional=True)
    yield Branch(f"{name} {passes}", entry.following)


def _turned(text: str) -> str:
    """Words about the customer, as words to the customer."""
    text = re.sub(r"\bthe customer\b", "you", text, flags=re.IGNORECASE)
    return "".join(
        _TURNED.get(word.lower(), word) if word.lower() != "you" else word for word in re.findall(r"\w+|\W+", text)
    )


def _skips(entry: _Entry, entries: Sequence[_Entry], oracle: str) -> Iterator[Step]:
    """The branch for a sentence that says what to skip after an answer of the oracle."""
    place = entries.index(entry)
    for line in entry.lines:
        if skip := _SKIP.search(line):
            wanted = _tool_of(skip[2], [other.tool for other in entries if other.tool]) if skip[2] else ""
            target = next((other.id for other in entries[place + 1 :] if wanted and other.tool == wanted), "")
            if not target and place + 1 < len(entries):
                target = entries[place + 1].following
            if target:
                yield Branch(f"results[{oracle!r}].answer == {skip[1].lower()!r}", target)
                return


def _ask(entry: _Entry, draft: _Draft) -> dict[str, tuple[str, Schema]]:
    """Add the questions of a step; return the slot and the schema of each argument."""
    prose = "\n".join(entry.lines)
    mentioned = [slot for _, slot in spoken_of(prose)]
    own = own_argument(entry.tool)
    if not mentioned and own.name in vocabulary().slots and vocabulary().slots[own.name].words:
        mentioned = [vocabulary().slots[own.name]]
    if constant := next(filter(None, (_constant(entry, line, draft) for line in entry.lines)), None):
        return _one(draft, own.name, own.name, f"{own.question}?", {"type": "string", "const": constant[1]})
    worded = next((slot for slot in mentioned if slot.words), None)
    options = _options(entry.lines)
    if all(any(spoken_of(option)) for option in options):
        # These lines list slots to ask for, not options.
        options = []
    if worded and (not options or {option.lower() for option in options} <= set(worded.words)):
        return _worded(draft, worded, prose)
    if options:
        schema: Schema = {"type": "string", "enum": options, "description": own.question}
        return _one(draft, own.name, own.name, f"{own.question}: {_lowered(options)}?", schema)
    if re.search(r"\bnew\b[\w ,]{0,20}value", prose) and (renewed := _renewed(draft)):
        return _qualified(draft, renewed, "new")
    if mentioned and re.search(r"\bcurrent\b", prose):
        return _qualified(draft, mentioned[0], "current")
    return _ask_each(draft, entry, mentioned)


def _constant(entry: _Entry, line: str, draft: _Draft) -> re.Match[str] | None:
    """The fixed value that a line enters, unless the line is about another action."""
    named = _ACTION.search(line)
    return _CONSTANT.search(line) if named is None or _tool_of(named[1], draft.actions) == entry.tool else None


def _one(draft: _Draft, argument: str, wanted: str, question: str, schema: Schema) -> dict[str, tuple[str, Schema]]:
    slot = draft.slot_name(wanted, schema)
    draft.steps.append(Ask(slot, question, schema, optional=True))
    return {argument: (slot, schema)}


def _worded(draft: _Draft, slot: Slot, prose: str) -> dict[str, tuple[str, Schema]]:
    # A customer may have a level or a status of which the prose says nothing.
    schema = {**slot.schema, "enum": list(slot.words)}
    for qualifier in ("current", "new"):
        if re.search(rf"\b{qualifier}\b[\w ,]{{0,20}}(?:{slot.phrases.pattern}|value)", prose, re.IGNORECASE):
            question = f"What is {slot.noun.replace('your', f'your {qualifier}', 1)}: {_lowered(slot.words)}?"
            return _one(draft, slot.name, f"{qualifier}_{slot.name}", question, schema)
    return _one(draft, slot.name, slot.name, f"What is {slot.noun}: {_lowered(slot.words)}?", schema)


def _qualified(draft: _Draft, slot: Slot, qualifier: str) -> dict[str, tuple[str, Schema]]:
    question = f"What is {slot.noun.replace('your', f'your {qualifier}', 1)}?"
    return _one(draft, slot.name, f"{qualifier}_{slot.name}", question, slot.schema)


def _renewed(draft: _Draft) -> Slot | None:
    """The slot whose current value an earlier step asks for."""
    asked = [step.slot for step in draft.steps if isinstance(step, Ask) and step.slot.startswith("current_")]
    return vocabulary().slots.get(asked[-1].removeprefix("current_")) if asked else None


def _options(lines: Sequence[str]) -> list[str]:
    """The options: quoted in a line, or at the start of each line after one that announces options."""
    for line in lines:
        quoted = _QUOTED.findall(line)
        if len(quoted) > 1 and _OPTIONS.search(line):
            return list(dict.fromkeys(quoted))
    if lines and _OPTIONS.search(lines[0]):
        heads = [head for line in lines[1:] if (head := line.partition(" - ")[0]) != line and len(head) < 40]
        return heads if len(heads) > 1 else []
    return []


def _lowered(options: Sequence[str]) -> str:
    return any_of(option.lower() for option in options)


def _ask_each(draft: _Draft, entry: _Entry, mentioned: Sequence[Slot]) -> dict[str, tuple[str, Schema]]:
    """Add one question for each slot; alternatives and "3 out of 4" continue when enough slots are filled."""
    if any(slot.name == "address" for slot in mentioned):
        # The address contains the zip code.
        mentioned = [slot for slot in mentioned if slot.name != "zip_code"]
    prose = "\n".join(entry.lines)
    some_of = _SOME_OF.search(prose)
    guards = [_chosen(entry.lines, slot, draft) for slot in mentioned]
    either = (
        len(mentioned) == 2 and not any(guards) and re.search(r"\bor\b", _between(prose, mentioned).lower()) is not None
    )
    enough = int(some_of[1]) if some_of else 1 if either else len(mentioned)
    call = f"{entry.id}-call"
    for number, (slot, guard) in enumerate(zip(mentioned, guards, strict=True)):
        if guard:
            draft.steps.append(
                Branch(guard, f"{entry.id}-{slot.name.replace('_', '-')}", _after(entry, slot, mentioned))
            )
        question = slot.question
        if either and number == 0:
            question = f"May I have {slot.noun} or {mentioned[1].noun}, please?"
        step_id = f"{entry.id}-{slot.name.replace('_', '-')}" if number or guard else ""
        draft.steps.append(Ask(slot.name, question, slot.schema, optional=True, id=step_id))
        if enough <= number + 1 < len(mentioned):
            listed = ", ".join(other.name for other in mentioned)
            draft.steps.append(Branch(f"[{listed}].filter(value, value != '').size() >= {enough}", call))
    return {slot.name: (slot.name, slot.schema) for slot in mentioned}


def _after(entry: _Entry, slot: Slot, mentioned: Sequence[Slot]) -> str:
    place = list(mentioned).index(slot) + 1
    return f"{entry.id}-{mentioned[place].name.replace('_', '-')}" if place < len(mentioned) else f"{entry.id}-call"


def _between(prose: str, mentioned: Sequence[Slot]) -> str:
    first, second = (slot.phrases.search(prose) for slot in mentioned)
    return prose[first.end() : second.start()] if first and second else ""


def _chosen(lines: Sequence[str], slot: Slot, draft: _Draft) -> str:
    """The condition of "if the customer chose …, enter the …", if an earlier step asks for the choice."""
    for line in lines:
        chose = _CHOSE.search(line)
        if not chose or not slot.phrases.search(line):
            continue
        for step in draft.steps:
            if isinstance(step, Ask):
                options = [text for text in step.schema.get("enum", ()) if text.lower() in chose[1].lower()]
                if options:
                    return " || ".join(f"{step.slot} == {option!r}" for option in options)
    return ""


def _add_tool(entry: _Entry, arguments: dict[str, tuple[str, Schema]], draft: _Draft) -> None:
    there = draft.tools.get(entry.tool)
    known = dict(there.arguments_schema.get("properties", {})) if there else {}
    for argument, (_, schema) in arguments.items():
        # Two steps enter different values, so any text is allowed.
        known[argument] = schema if known.get(argument, schema) == schema else {"type": "string"}
    description = there.description if there else (entry.lines[0] if entry.lines else entry.button)[:2_000]
    draft.tools[entry.tool] = Tool(entry.tool, description, {"type": "object", "properties": known})


def _told(lines: Sequence[str]) -> Iterator[str]:
    """The sentences that the agent must tell the customer: "tell them you cannot" becomes "I cannot"."""
    for line in lines:
        if told := _TELL.match(line):
            words = [_TURNED.get(word.lower(), word) for word in re.findall(r"\w+|\W+", told[1])]
            text = "".join(words).strip().rstrip(".")
            yield f"{text[0].upper()}{text[1:]}."


def _tidied(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The steps without those that do nothing, and without ids that no branch names."""
    following = {step.id: step.then for step in steps if isinstance(step, Branch) and step.condition == _ALWAYS}

    def end_of(target: str) -> str:
        return end_of(following[target]) if target in following else target

    remaining = [
        replace(step, then=end_of(step.then), otherwise=end_of(step.otherwise)) if isinstance(step, Branch) else step
        for step in steps
        if step.id not in following
    ]
    targets = {target for step in remaining if isinstance(step, Branch) for target in (step.then, step.otherwise)}
    return tuple(step if step.id in targets else replace(step, id="") for step in remaining)


def _instructions(fields: Fields, entries: Sequence[_Entry]) -> str:
    """The whole prose as instructions."""
    opening, *closing = [
        _text(line, f"instructions[{i}]") for i, line in enumerate(fields.items("instructions", 100))
    ] or [""]
    listed: list[str] = []
    for number, entry in enumerate(entries, start=1):
        head, *below = entry.lines or ("",)
        action = f" ({entry.tool})" if entry.tool else ""
        listed.append(f"{number}. {entry.button}{action}: {head}")
        listed += [f"   - {line}" for line in below]
    return "\n".join(line for line in (opening, *listed, *closing) if line)
