"""Builds a report on a campaign from its checks and its simulated contacts."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from services.evaluator.checks.check import MAX_ISSUES, Checked, check_campaign
from services.evaluator.checks.model import Issue, Severity
from services.evaluator.reports.campaigns.errors import CampaignNotSimulated
from services.evaluator.reports.campaigns.facts import OPEN_ENDS, Facts, converted, facts_of, messages_of
from services.evaluator.reports.campaigns.model import (
    ArmFares,
    CampaignReport,
    CampaignReportSpec,
    PersonaFares,
    Simulated,
    SplitFares,
)
from services.evaluator.reports.campaigns.recommending import Shown, recommendations
from services.evaluator.reports.campaigns.score import score, score_parts
from services.evaluator.reports.model import Rate
from services.evaluator.reports.wording import out_of, percent
from services.evaluator.statistics.clustered import Cluster, clustered_wilson
from services.evaluator.statistics.independent import independent
from services.evaluator.statistics.wilson import wilson
from shared.model.campaigns.model import Campaign, Split
from shared.model.campaigns.reading import read_campaign
from shared.model.campaigns.summary import CampaignSummary, summaries
from shared.words import counted

_ORDER = [*Severity]


def build_file(content: bytes, file: str, simulated: Sequence[Simulated], spec: CampaignReportSpec) -> CampaignReport:
    """`build` of a campaign in a file; runs in another process. Raises BadYaml, CampaignInvalid too."""
    campaign = read_campaign(content, file)
    return build(campaign, check_campaign(campaign), simulated, spec, content)


def build(
    campaign: Campaign, checked: Checked, simulated: Sequence[Simulated], spec: CampaignReportSpec, content: bytes
) -> CampaignReport:
    """The report. simulated: at least one contact. content: the campaign's file. Raises CampaignNotSimulated."""
    places = _Places(campaign, content)
    contacts, summary = list[Simulated](), summaries([campaign])[0]
    for one in simulated:
        summary.number = place = places.of(one)
        summary.add(one.rows, one.entered, one.persona, one.conversation)
        contacts.append(replace(one, rows=tuple(row for row in one.rows if row.campaign == place), files=()))
    facts = facts_of(campaign.steps, contacts)
    parts = tuple(score_parts(checked, contacts, summary.coverage, summary.expectations))
    found = [*checked.issues, *_issues(facts, summary)]
    found.sort(key=lambda issue: _ORDER.index(issue.severity))
    rate = _rate(contacts, spec.alpha, clustered=True)
    splits = tuple(_splits(campaign, contacts, spec.alpha))
    personas = tuple(_personas(contacts, spec.alpha))
    points = score(parts)
    errors = sum(issue.severity is Severity.ERROR for issue in found)
    shown = Shown(campaign, checked, facts, summary.coverage, rate, splits, personas)
    return CampaignReport(
        campaign=campaign,
        spec=spec,
        summary=_summary(rate, summary, points, errors),
        score=points,
        parts=parts,
        passed=not errors and points >= spec.threshold,
        conversion=rate,
        stated=_stated(contacts),
        personas=personas,
        splits=splits,
        issues=tuple(found[:MAX_ISSUES]),
        issue_count=checked.count + len(found) - len(checked.issues),
        recommendations=tuple(recommendations(shown)),
        coverage=summary.coverage,
        expectations=summary.expectations,
        contacts=contacts,
        notes=tuple(_notes(campaign, summary)),
    )


class _Places:
    """Where the campaign is among the files of a conversation."""

    def __init__(self, campaign: Campaign, content: bytes) -> None:
        self._campaign = campaign
        self._content = content
        self._known: dict[tuple[str, ...], int | None] = {}

    def of(self, contact: Simulated) -> int:
        """The position. Raises CampaignNotSimulated."""
        if contact.files not in self._known:
            same = (place for place, text in enumerate(contact.files) if self._is_campaign(text))
            self._known[contact.files] = next(same, None)
        place = self._known[contact.files]
        if place is None:
            raise CampaignNotSimulated(conversation=contact.conversation)
        return place

    def _is_campaign(self, text: str) -> bool:
        data = text.encode(errors="replace")
        # Reading a large file takes seconds.
        return data == self._content or read_campaign(data, "campaign") == self._campaign


def _rate(contacts: Sequence[Simulated], alpha: float, *, clustered: bool = False) -> Rate:
    """How many reached a goal. clustered: contacts with the same persona count as alike."""
    by_persona: dict[str, list[bool]] = defaultdict(list)
    for contact in contacts:
        by_persona[contact.persona].append(converted(contact))
    clusters = [Cluster(sum(one), len(one)) for one in by_persona.values()]
    reached = sum(one.successes for one in clusters)
    if clustered:
        low, high = clustered_wilson(clusters, alpha)
    else:
        low, high = wilson(reached / len(contacts) if contacts else 0.0, len(contacts), alpha)
    return Rate(reached, len(contacts), low, high)


def _personas(contacts: Sequence[Simulated], alpha: float) -> Iterator[PersonaFares]:
    for persona in sorted({contact.persona for contact in contacts}):
        own = [contact for contact in contacts if contact.persona == persona]
        messages = [row for contact in own for row in messages_of(contact)]
        yield PersonaFares(
            persona,
            _rate(own, alpha),
            len(messages),
            sum(bool(row.response and row.response.reply) for row in messages),
            sum(any(row.opts_out for row in contact.rows) for contact in own),
        )


def _splits(campaign: Campaign, contacts: Sequence[Simulated], alpha: float) -> Iterator[SplitFares]:
    for step in campaign.steps:
        if not isinstance(step.action, Split) or len(step.action.arms) < 2:
            continue
        drawn: dict[str, list[Simulated]] = {arm.name: [] for arm in step.action.arms}
        for contact in contacts:
            arm = next((row.branch for row in contact.rows if row.step == step.id and row.branch in drawn), None)
            if arm is not None:
                drawn[arm].append(contact)
        rates = {arm: _rate(own, alpha) for arm, own in drawn.items()}
        first = next(iter(rates.values()))
        fares = [ArmFares(next(iter(rates)), first)]
        for arm, rate in [*rates.items()][1:]:
            low, high = independent(Cluster(rate.successes, rate.total), Cluster(first.successes, first.total), alpha)
            fares.append(ArmFares(arm, rate, rate.value - first.value, low, high))
        yield SplitFares(step.id, tuple(fares))


def _stated(contacts: Sequence[Simulated]) -> float:
    """The mean of what contacts think of converting, when they got their last message."""
    last = [next(reversed([*messages_of(one)]), None) for one in contacts]
    said = [row.response.likely_to_convert for row in last if row is not None and row.response is not None]
    return sum(said) / len(said) if said else 0.0


def _summary(rate: Rate, summary: CampaignSummary, points: int, errors: int) -> str:
    taken = sum(map(bool, summary.coverage.times.values()))
    reached = f"{out_of(rate)} contacts ({percent(rate.low)} to {percent(rate.high)}) reached a goal"
    edges = f"{taken:,} of {counted(len(summary.coverage.times), 'edge')} {'was' if taken == 1 else 'were'} taken"
    wrong = "1 issue is an error" if errors == 1 else f"{errors or 'no'} issues are errors"
    return f"{reached}, and {edges}. The score is {points} of 100; {wrong}."


_SAID = {
    "after_stop": (
        "message_after_opt_out",
        "{times} of `{step}` went out after the contact had opted out.",
        "Look at replies before the step, and lead contacts who opted out to an exit.",
        "message",
    ),
    "max_steps": (
        "too_many_steps",
        "{times} still at `{step}` after the most steps.",
        "Lead out of the cycle, or allow more steps.",
        "contact was",
    ),
    "no_branch": (
        "fell_through",
        "{times} at `{step}`, because no branch held and there is no `otherwise`.",
        "Name a step for them as `otherwise`.",
        "contact ended",
    ),
}
_FAILED = (
    "step_failed",
    "{times} at `{step}`, which could not be performed.",
    "Mend the step; the interaction says what is wrong.",
    "contact failed",
)


def _issues(facts: Facts, summary: CampaignSummary) -> Iterator[Issue]:
    """What the simulation shows to be wrong."""
    total = len(facts.contacts)
    for step, one in facts.steps.items():
        for what, times in one.errors.items():
            if what not in OPEN_ENDS or what in _SAID:
                kind, sentence, fix, noun = _SAID.get(what, _FAILED)
                said = sentence.format(times=_times(times, noun), step=step)
                yield Issue(Severity.ERROR, kind, step, f"{said} See `{one.example[what]}`.", fix)
        if one.dropped:
            said = f"{_messages(one.dropped)} of `{step}` {_were(one.dropped)} dropped for a frequency cap."
            yield Issue(Severity.WARNING, "message_dropped", step, said, "Send fewer messages, or allow more.")
        if one.held_back:
            said = f"{_messages(one.held_back)} of `{step}` {_were(one.held_back)} held back at night or on a holiday."
            yield Issue(Severity.INFO, "message_held_back", step, said, "Let the wait before it end in the day.")
    for sentence, judged in summary.expectations.items():
        if judged.missed is not None:
            conversation, finding = judged.missed
            said = f"`{sentence}` is missed by {judged.missed_by:,} of {judged.met + judged.missed_by:,} contacts."
            shown = f"{said} In `{conversation}`: {finding.actual}"
            step = next(
                (
                    row.step
                    for one in facts.contacts
                    if one.conversation == conversation
                    for row in one.rows
                    if row.seq == finding.seq
                ),
                "",
            )
            yield Issue(Severity.ERROR, "expectation_missed", step, shown, "Change the campaign, or the expectation.")
    for edge in summary.coverage.missing:
        came = facts.steps[edge.step].contacts
        said = f"None of {counted(total, 'contact')} took `{edge.branch}` from `{edge.step}` to `{edge.target}`"
        there = f"{came:,} came to the step." if came else "None came to the step."
        fix = "Simulate more contacts or other fields, or correct what leads there."
        yield Issue(Severity.WARNING, "edge_never_taken", edge.step, f"{said}. {there}", fix)


def _times(number: int, noun: str) -> str:
    """`1 contact was`, `2 contacts were`, `1 contact ended`, `2 messages`."""
    what, _, verb = noun.partition(" ")
    return " ".join(filter(None, (counted(number, what), "were" if verb == "was" and number > 1 else verb)))


def _messages(number: int) -> str:
    return counted(number, "message")


def _were(number: int) -> str:
    return "was" if number == 1 else "were"


def _notes(campaign: Campaign, summary: CampaignSummary) -> Iterator[str]:
    judged = len(summary.expectations)
    if judged < len(campaign.expectations):
        left = len(campaign.expectations) - judged
        yield f"{counted(left, 'expectation')} {_were(left)} not checked: no such persona was played."
    if summary.contacts < 50:
        yield f"Only {counted(summary.contacts, 'contact')} {_were(summary.contacts)} simulated, so rates are rough."
