"""Searches contacts that take every edge of campaigns. Tries are played in other processes."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache, partial
from typing import Any

from services.synthesizer.conversations.campaign_loop import shown_answer
from services.synthesizer.conversations.campaign_target import CAMPAIGN, CampaignTarget, contact_of, read_target
from services.synthesizer.conversations.mocked_tools import unmatched
from services.synthesizer.conversations.model import LAST_TIME, AgentTarget
from services.synthesizer.conversations.moves import StepFailed
from services.synthesizer.conversations.persona_brief import persona_brief
from services.synthesizer.offline.contact import Contact
from services.synthesizer.personas.model import Persona
from services.synthesizer.tool_configs.answers import NO_RECORDED, Mocks
from services.synthesizer.tool_configs.documents import read_tool_config
from services.synthesizer.tool_configs.model import Unmatched
from services.synthesizer.tool_configs.replies.kind import CallContext, ReplyFailed
from shared.model.campaigns.clock import BadTimeZone, zone
from shared.model.campaigns.interactions import Interaction, Response, Status
from shared.model.campaigns.model import Campaign, Condition, Edge, Field, FieldType, has_type
from shared.model.campaigns.outcomes import Coverage
from shared.model.campaigns.reach import Reach, reach
from shared.model.campaigns.simulation import Script, State, simulate
from shared.model.conversation import State as Talk
from shared.model.conversation import evolve
from shared.model.draws import draw, pick
from shared.model.events import Event, Json, ToolCall, ToolResult
from shared.model.work_budget import TooMuchWork

AT_ONCE = 50
"""How many contacts are chosen and played together; what they show decides on the next ones."""
_VISITORS = 8
"""The most contacts that are remembered for a step."""
_LARGEST = 2**53
_TEXTS = re.compile(r"'([^'\\]*)'|\"([^\"\\]*)\"")
_NUMBERS = re.compile(r"(?<![\w.'\"])-?\d+(?:\.\d+)?(?![\w.])")
_PATTERN = re.compile(r"\(\?\w+\)|\\.|[\^$|()\[\]{}*+?]")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_OTHER_TEXT = "something"
"""Not empty, and unlikely to be what a condition compares a field with."""
_HOUR = 3_600_000
_WEEK_HOURS = 168


@dataclass(frozen=True, slots=True)
class Job:
    """What is searched.

    agent, tools: the config of the campaign target and the tool config, as JSON. The fields and tags of the target's
    contact are those of every try. epoch: when the first contacts enter, Unix milliseconds.
    """

    agent: str
    tools: str
    personas: Sequence[Persona]
    seed: int
    epoch: int


@dataclass(frozen=True, slots=True)
class Try:
    """A contact to play. persona: its number among those of the job. contact, tags: all that it has."""

    persona: int
    contact: Mapping[str, Json]
    tags: tuple[str, ...]
    epoch: int
    seed: int


def prove(job: Job) -> list[Reach]:
    """What is found about the campaigns without playing them. Raises BadYaml and CampaignInvalid."""
    target, *_ = _prepared(job.agent, job.tools)
    return reach(target.campaigns, target.contact, target.tags, target.max_steps)


def play_tries(job: Job, tries: Sequence[Try]) -> list[Sequence[Interaction]]:
    """The rows of each of the contacts as a conversation would keep them, without messages."""
    return [[_short(row) for row in _rows(job, one)] for one in tries]


@dataclass
class Search:
    """What the contacts until now show.

    tries: all of them. coverage: of each campaign; its conversations are numbers of tries. failures: how a step failed,
    by campaign and step.
    """

    job: Job
    target: CampaignTarget
    proven: Sequence[Reach]
    coverage: list[Coverage] = field(default_factory=list)
    tries: list[Try] = field(default_factory=list)
    failures: dict[tuple[int, str], str] = field(default_factory=dict)
    _visitors: dict[tuple[int, str], list[int]] = field(default_factory=dict)
    _taken: list[set[tuple[int, Edge]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.coverage = [Coverage(one) for one in self.target.campaigns]
        self._choices = _Choices(self.target.campaigns)

    @property
    def open(self) -> list[tuple[int, Edge]]:
        """The edges that nobody took yet and that are not proven unreachable, with their campaigns."""
        return [
            (number, edge)
            for number, one in enumerate(self.coverage)
            for edge, times in one.times.items()
            if not times and edge not in self.proven[number].unreachable
        ]

    def choose(self, most: int) -> list[Try]:
        """The contacts to play next, up to `most`; none once every edge is decided."""
        wanted = self.open
        return [self._try(number, wanted) for number in range(len(self.tries), len(self.tries) + most) if wanted]

    def add(self, tries: Sequence[Try], played: Sequence[Sequence[Interaction]]) -> None:
        """Count what contacts did."""
        for one, rows in zip(tries, played, strict=True):
            name, number = self.job.personas[one.persona].display_name, len(self.tries)
            self.tries.append(one)
            for campaign, coverage in enumerate(self.coverage):
                coverage.add(campaign, rows, name, str(number))
            for row in rows:
                if row.ended == "failed":
                    self.failures.setdefault((row.campaign, row.step), row.actual)
            self._taken.append(
                {
                    (row.campaign, edge)
                    for row in rows
                    if (edge := Edge(row.step, row.branch, row.target)) in self.coverage[row.campaign].times
                }
            )
            for place in {(row.campaign, row.step) for row in rows}:
                if len(visitors := self._visitors.setdefault(place, [])) < _VISITORS:
                    visitors.append(number)

    def why(self, campaign: int, edge: Edge) -> str:
        """What became of an edge that nobody took, as a sentence."""
        if edge in self.proven[campaign].unreachable:
            return self.proven[campaign].unreachable[edge]
        tried = f"Not found with {len(self.tries):,} contacts"
        if (failure := self.failures.get((campaign, edge.step))) is not None:
            return f"{tried}; `{edge.step}` failed: {failure}"
        if (campaign, edge.step) not in self._visitors:
            return f"{tried}, none of whom came to `{edge.step}`."
        return f"{tried}; those who came to `{edge.step}` took another way."

    def shown_by(self) -> dict[tuple[int, Edge], int]:
        """For each edge that was taken the number of a contact that took it; few contacts show all."""
        shown: dict[tuple[int, Edge], int] = {}
        rest = {one for taken in self._taken for one in taken}
        while rest:
            best = max(range(len(self._taken)), key=lambda number: len(rest & self._taken[number]))
            shown |= dict.fromkeys(rest & self._taken[best], best)
            rest -= self._taken[best]
        return shown

    def _try(self, number: int, wanted: Sequence[tuple[int, Edge]]) -> Try:
        job, seed = self.job, self.job.seed + number
        given, tags = self.target.contact, tuple(self.target.tags)
        if number < len(job.personas):
            return Try(number, given, tags, job.epoch, seed)
        drawn = partial(draw, job.seed, number, 0)
        campaign, edge = wanted[number % len(wanted)]
        came = self._visitors.get((campaign, edge.step), ())
        if came and drawn("again") < 0.5:
            return replace(self.tries[came[int(drawn("visitor") * len(came))]], seed=seed)
        found = self.proven[campaign].example(edge, drawn("example"))
        fields, chosen_tags = self._choices.contact(campaign, found, job.seed, number)
        persona = int(drawn("persona") * len(job.personas))
        entry = self._choices.entry(job.epoch, drawn("entry"))
        return Try(persona, {**fields, **given}, tuple(sorted({*chosen_tags, *tags})), entry, seed)


class _Choices:
    """The values of contacts that conditions may tell apart."""

    def __init__(self, campaigns: Sequence[Campaign]) -> None:
        self._fields = [{one.name: one for one in campaign.contact} for campaign in campaigns]
        conditions = [
            branch.when
            for one in campaigns
            for step in one.steps
            if isinstance(step.action, Condition)
            for branch in step.action.branches
        ]
        self._times = any("time." in one for one in conditions)
        self._texts: dict[str, list[str]] = {}
        self._numbers: dict[str, set[float]] = {}
        dates: set[str] = set()
        for one in dict.fromkeys(conditions):
            literals = ["".join(found) for found in _TEXTS.findall(one)]
            dates.update(text for text in literals if "time.date" in one and _DATE.fullmatch(text))
            for name in re.findall(r"\bcontact\.(\w+)", one):
                self._texts.setdefault(name, []).extend(_PATTERN.sub("", text) for text in literals)
                near = {float(number) + by for number in _NUMBERS.findall(one) for by in (-1, 0, 1)}
                self._numbers.setdefault(name, set()).update(near)
        self._dates = sorted(filter(_exists, dates))
        self._tags = sorted({tag for one in conditions if "tags" in one for tag in map("".join, _TEXTS.findall(one))})

    def contact(
        self, campaign: int, found: Mapping[str, Any], seed: int, number: int
    ) -> tuple[dict[str, Json], list[str]]:
        """Fields and tags with the found values; others are drawn."""
        tags = [name[6:-1] for name, value in found.items() if name.startswith("tags ") and value]
        settled = {name[6:-1] for name in found if name.startswith("tags ")}
        tags += [tag for tag in self._tags if tag not in settled and draw(seed, number, 0, f"tag/{tag}") < 0.3]
        fields: dict[str, Json] = {}
        for name, declared in self._fields[campaign].items():
            if f"contact.{name}" in found:
                value = found[f"contact.{name}"]
            else:
                options = self._options(declared)
                if not options or draw(seed, number, 0, f"has/{name}") < 0.2:
                    continue
                value = pick(options, seed, number, 0, f"field/{name}")
            value = _plain(declared, value)
            if value is not None and (name != "time_zone" or _is_zone(value)):
                fields[name] = value
        return fields, tags

    def entry(self, epoch: int, drawn: float) -> int:
        """When a contact enters: at the epoch, or at another hour or date if conditions name the time."""
        if not self._times:
            return epoch
        hours = [epoch + hour * _HOUR for hour in range(_WEEK_HOURS)]
        dates = [
            round(datetime.fromisoformat(one).replace(hour=12, tzinfo=UTC).timestamp()) * 1000 for one in self._dates
        ]
        if dates and drawn < 0.5:
            return dates[int(drawn * 2 * len(dates))]
        return hours[int(drawn * _WEEK_HOURS)]

    def _options(self, declared: Field) -> Sequence[Json]:
        """Values of a field about which nothing is solved."""
        if declared.values:
            return declared.values
        match declared.type:
            case FieldType.TEXT:
                texts = self._texts.get(declared.name, ())
                return list(dict.fromkeys(filter(None, (*texts, _OTHER_TEXT) if texts else ())))
            case FieldType.BOOLEAN:
                return (True, False)
            case FieldType.INTEGER | FieldType.NUMBER:
                low, high = declared.minimum, declared.maximum
                bounds = {bound for bound in (low, high) if bound is not None}
                near = self._numbers.get(declared.name, set())
                within = {one for one in near if (low is None or one >= low) and (high is None or one <= high)}
                return sorted(bounds | within)
            case FieldType.DATE:
                return [text for text in self._texts.get(declared.name, ()) if _exists(text)]


def _plain(declared: Field, value: Any) -> Json:
    """A value as a contact has it; None for one that it cannot have."""
    if isinstance(value, str) and value.endswith("\x01"):  # a text right after another one
        value = value[:-1]
        if declared.type is FieldType.DATE:
            return (date.fromisoformat(value) + timedelta(days=1)).isoformat() if _exists(value) else None
        value += " (other)"
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = int(value) if declared.type is FieldType.INTEGER else value
        if abs(value) > _LARGEST:
            return None
    return value if has_type(value, declared.type) else None


def _exists(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text)) and _DATE.fullmatch(text) is not None
    except ValueError:
        return False


def _is_zone(value: Json) -> bool:
    try:
        return bool(zone(str(value)))
    except BadTimeZone:
        return False


def _rows(job: Job, one: Try) -> list[Interaction]:
    """The rows of a contact that a conversation would keep."""
    target, script, mocks, how = _prepared(job.agent, job.tools)
    persona = job.personas[one.persona]
    contact, tags = contact_of(replace(target, contact=one.contact, tags=one.tags), persona, 0)
    speed = persona.personality.decision_speed
    player = Contact(persona_brief(persona, None), speed, persona.first_name, one.seed, 0)
    tools = _Tools(mocks, how, one.seed)
    kept: list[Interaction] = []
    rows: list[Interaction] = []
    state = script.begin(contact, one.epoch, tags)
    try:
        for row in simulate(script, state, partial(_responds, script, player), tools.answer, one.seed):
            if row.at > LAST_TIME:
                break
            rows.append(row)
            if row.status is Status.SENT or row.reply or row.tool:
                kept, rows = [*kept, *rows], []
    except (StepFailed, ReplyFailed, TooMuchWork):  # no mock answers; the conversation fails
        return kept
    return [*kept, *rows]


def _responds(script: Script, player: Contact, row: Interaction, state: State) -> Response:
    return player.responds(row, state, script.place(state, row.campaign))


class _Tools:
    """Answers the webhooks of one contact as the tools of its conversation do."""

    def __init__(self, mocks: Mocks, how: Unmatched, seed: int) -> None:
        self._mocks = mocks
        self._unmatched = how
        self._seed = seed
        self._talk = Talk()

    def answer(self, row: Interaction, _: State) -> Json:
        """The answer to a call. Raises StepFailed, ReplyFailed, TooMuchWork."""
        call = ToolCall(f"call-{row.seq}", row.tool, row.arguments)
        context = CallContext(self._talk.resources, self._talk.answered, partial(draw, self._seed, 0, row.seq))
        found = self._mocks.answer(call, NO_RECORDED, context) or unmatched(self._unmatched, row.tool)
        result = ToolResult(call.call_id, row.tool, found.answer)
        for body, rule in ((call, None), (result, found.rule)):
            self._talk = evolve(self._talk, Event("", self._talk.last_seq + 1, row.at, 0, body, mock_rule=rule))
        return shown_answer(found.answer)


def _short(row: Interaction) -> Interaction:
    """What coverage needs of a row."""
    return Interaction(
        row.seq,
        row.at,
        row.campaign,
        row.step,
        row.type,
        branch=row.branch,
        target=row.target,
        ended=row.ended,
        actual=row.actual,
    )


@lru_cache(maxsize=4)
def _prepared(agent: str, tools: str) -> tuple[CampaignTarget, Script, Mocks, Unmatched]:
    """The campaigns and mocks of a job, which a process reads and compiles once."""
    target, config = read_target(AgentTarget(CAMPAIGN, json.loads(agent))), read_tool_config(json.loads(tools))
    return target, Script(target.campaigns, target.max_steps), Mocks(config), config.unmatched
