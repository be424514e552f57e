"""Plays imported campaigns, with contacts whose fields have values that conditions tell apart."""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from services.synthesizer.campaigns.formats.imported import Imported
from services.synthesizer.conversations.persona_brief import persona_brief
from services.synthesizer.offline.contact import Contact
from services.synthesizer.personas.builtin import built_in
from shared.model.campaigns.interactions import Interaction, Response, Status
from shared.model.campaigns.model import EMPTY, Campaign, Condition, FieldType, SendEmail, SendSms, UpdateContact
from shared.model.campaigns.simulation import Script, State, simulate
from shared.model.events import Json

_START = 1_767_603_600_000
_COMPARED = re.compile(r"contact\.(\w+)(?: (?:==|!=|<=|>=|<|>) |\.\w+\()('(?:\\.|[^'\\])*'|-?\d+\.\d+)")


@dataclass
class Played:
    """What contacts did in an imported campaign.

    ends: how it ended for those who got a message and answered one. taken: the edges that were taken.
    """

    ends: set[str] = field(default_factory=set)
    taken: set[tuple[str, str]] = field(default_factory=set)

    @property
    def through(self) -> bool:
        """True if a contact who got a message and answered one reached a goal or an exit."""
        return bool(self.ends & {"goal", "exit"})


def play(imported: Imported, contacts: int) -> Played:
    """Play up to so many contacts, until each output is taken and a contact that answered is through."""
    campaign = imported.campaign
    script, personas, drawn = Script([campaign]), [*built_in().values()], random.Random(7)
    values, played = _values(campaign), Played()
    edges = [set(output.edges) for output in imported.outputs]
    useful: list[dict[str, Json]] = []
    sends = any(isinstance(step.action, SendSms | SendEmail) for step in campaign.steps)
    for index in range(contacts):
        fields = {name: drawn.choice(some) for name, some in values.items()}
        if useful and values and drawn.random() < 0.7:  # one field differs from that of a contact who took a new way
            changed = drawn.choice([*values])
            fields = {**drawn.choice(useful), changed: fields[changed]}
        persona = personas[index % len(personas)]
        speed = persona.personality.decision_speed
        player = Contact(persona_brief(persona, None), speed, persona.first_name, 1, index)
        begun = script.begin(fields, _START)
        rows = [*simulate(script, begun, partial(_responds, script, player), lambda *_: {}, 1, index)]
        taken = {(row.step, row.branch) for row in rows if row.branch}
        if taken - played.taken:
            useful.append(fields)
        played.taken |= taken
        if any(row.status is Status.SENT for row in rows) and any(row.reply for row in rows):
            played.ends.add(next((row.ended for row in rows if row.ended), "max_steps"))
        if all(one & played.taken for one in edges) and (played.through or not sends):
            break
    return played


def _values(campaign: Campaign) -> Mapping[str, Sequence[Json]]:
    """By contact field, the values that conditions tell apart; fields that are copied have the same ones."""
    found: dict[str, dict[Json, None]] = {}
    for one in campaign.contact:
        empty: Sequence[Json] = (False, True) if one.type is FieldType.BOOLEAN else (EMPTY[one.type],)
        found[one.name] = dict.fromkeys(one.values or empty)
    for step in campaign.steps:
        if isinstance(step.action, UpdateContact):
            for name, value in step.action.fields.items():
                if copied := re.fullmatch(r"\{\{ contact\.(\w+) \}\}", str(value)):
                    found[name] = found[copied[1]] = {**found[name], **found[copied[1]]}
    for step in campaign.steps:
        for branch in step.action.branches if isinstance(step.action, Condition) else ():
            for name in re.findall(r"contact\.(\w+)", branch.when):
                if "" in found[name]:
                    found[name]["something"] = None
            for name, literal in _COMPARED.findall(branch.when):
                if literal[0] == "'":
                    text = re.sub(r"^\(\?i\)\^?|\\\\|\$$", "", literal[1:-1])
                    joined = [f"{one}/{text}" for one in found[name] if one and len(found[name]) < 8]
                    found[name].update(dict.fromkeys((text, f"{text} and more than twenty letters", *joined)))
                else:
                    found[name].update(dict.fromkeys((float(literal) - 1, float(literal), float(literal) + 1)))
    return {name: [*some] for name, some in found.items() if len(some) > 1}


def _responds(script: Script, player: Contact, row: Interaction, state: State) -> Response:
    return player.responds(row, state, script.place(state, 0))
