"""Recommendations by rules. Each names steps of the campaign, and what the simulated contacts show.

A rule yields candidates with a weight: about the share of the contacts whom it concerns. The best of each subject are
taken first, then the heaviest, up to five.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import NamedTuple

from services.evaluator.checks.check import Checked
from services.evaluator.checks.model import Severity
from services.evaluator.reports.campaigns.facts import OPEN_ENDS, Facts, StepFacts
from services.evaluator.reports.campaigns.model import PersonaFares, Recommendation, SplitFares, Subject
from services.evaluator.reports.model import Rate
from services.evaluator.reports.wording import out_of, percent, points
from shared.model.campaigns.model import Campaign, Goal, SendEmail, SendSms, Step, WaitForReply
from shared.model.campaigns.outcomes import Coverage
from shared.model.campaigns.times import DAY, HOUR, MINUTE, write_duration
from shared.words import all_of, counted

MOST = 5
_ENOUGH = 10
"""The fewest messages or replies from which a rule concludes something."""
_TEXT = 60
"""The most characters of a reply or subject that is quoted."""
_STEP_WORDS = frozenset(
    ("spam_risk", "tone_issue", "hard_to_read", "sms_segments", "link_shortener", "misleading_link", "long_subject")
)
"""The issues of checks that are a matter of what a message says."""
_WAYS = frozenset(("infinite_loop", "dead_end", "missing_else", "no_path_to_end", "shadowed_branch", "orphan_step"))
"""The issues of checks that are a matter of where contacts continue."""


class Candidate(NamedTuple):
    """A recommendation, and how much it matters."""

    weight: float
    recommendation: Recommendation


@dataclass(frozen=True, slots=True)
class Shown:
    """All that rules look at."""

    campaign: Campaign
    checked: Checked
    facts: Facts
    coverage: Coverage
    rate: Rate
    splits: Sequence[SplitFares]
    personas: Sequence[PersonaFares]

    @property
    def messages(self) -> Iterator[tuple[Step, SendSms | SendEmail, StepFacts]]:
        """The steps that sent messages."""
        for step in self.campaign.steps:
            if isinstance(step.action, SendSms | SendEmail) and self.facts.steps[step.id].sent:
                yield step, step.action, self.facts.steps[step.id]

    @property
    def waits(self) -> Iterator[tuple[Step, int, StepFacts]]:
        """The steps that wait for replies, with their timeouts in seconds."""
        for step in self.campaign.steps:
            if isinstance(step.action, WaitForReply):
                yield step, step.action.timeout, self.facts.steps[step.id]

    def share(self, number: int) -> float:
        """The share of the contacts."""
        return number / len(self.facts.contacts)


def recommendations(shown: Shown) -> list[Recommendation]:
    """Up to five recommendations, those that matter most first."""
    found = [candidate for rule in RULES for candidate in rule(shown)]
    found.sort(key=lambda one: -one.weight)
    best = {one.recommendation.subject: one for one in reversed(found)}
    chosen = [*best.values(), *(one for one in found if one not in best.values())][:MOST]
    return [one.recommendation for one in sorted(chosen, key=lambda one: -one.weight)]


def _quiet_hours(shown: Shown) -> Iterator[Candidate]:
    for step, _, facts in shown.messages:
        if facts.held_back:
            held = _about(median(facts.held_for)) if facts.held_for else "a while"
            yield Candidate(
                shown.share(facts.held_back),
                Recommendation(
                    Subject.TIMING,
                    f"Let the wait before `{step.id}` end in the day, so that the message goes out when it is due.",
                    f"{counted(facts.held_back, 'message')} came due at night or on a holiday; half of these"
                    f" were held back for {held} or longer.",
                    (step.id,),
                    facts.example.get("held", ""),
                ),
            )


def _caps(shown: Shown) -> Iterator[Candidate]:
    for step in shown.campaign.steps:
        facts = shown.facts.steps[step.id]
        if facts.dropped:
            yield Candidate(
                2 * shown.share(facts.dropped),
                Recommendation(
                    Subject.TIMING,
                    f"Send fewer messages before `{step.id}`, or wait longer: contacts never get it.",
                    f"A frequency cap dropped {counted(facts.dropped, 'message')} of it, and {facts.sent:,} went out.",
                    (step.id,),
                    facts.example.get("dropped", ""),
                ),
            )


def _late_replies(shown: Shown) -> Iterator[Candidate]:
    for step, timeout, facts in shown.waits:
        if facts.late:
            needed = timeout + _ninety(facts.late) / 1000
            yield Candidate(
                1.5 * shown.share(len(facts.late)),
                Recommendation(
                    Subject.TIMING,
                    f"Let `{step.id}` wait longer than {write_duration(timeout)}, such as {_rounded(needed)}.",
                    f"{len(facts.late):,} of the answers came after its timeout, half of them within"
                    f" {_about(median(facts.late))} of it.",
                    (step.id,),
                    facts.example.get("late", ""),
                ),
            )


def _long_waits(shown: Shown) -> Iterator[Candidate]:
    for step, timeout, facts in shown.waits:
        if len(facts.replies) >= _ENOUGH and (within := _ninety(facts.replies) / 1000) * 2 <= timeout:
            yield Candidate(
                0.1 + 0.1 * shown.share(len(facts.replies)),
                Recommendation(
                    Subject.TIMING,
                    f"Shorten the timeout of `{step.id}` from {write_duration(timeout)} to {_rounded(1.5 * within)},"
                    " and follow up sooner.",
                    f"Nine of ten of its {len(facts.replies):,} replies came within {_about(1000 * within)}.",
                    (step.id,),
                ),
            )


def _silence(shown: Shown) -> Iterator[Candidate]:
    for step, _, facts in shown.messages:
        if facts.sent > facts.answered:
            yield Candidate(
                0.05 * shown.share(facts.sent - facts.answered),
                Recommendation(
                    Subject.TIMING,
                    f"Try another time of day or weekday for `{step.id}`, as an arm of a split.",
                    f"{facts.sent - facts.answered:,} of {facts.sent:,} contacts did not answer it.",
                    (step.id,),
                ),
            )


def _frequency(shown: Shown) -> Iterator[Candidate]:
    for step, _, facts in shown.messages:
        late = [nth for nth in facts.nth if nth >= 3]
        if len(late) >= 2:
            yield Candidate(
                2 * shown.share(len(late)),
                Recommendation(
                    Subject.TIMING,
                    f"Send `{step.id}` to fewer contacts, or later: it is one message too many for some.",
                    f"{len(late):,} contacts opted out after it, and it was their third message or a later one.",
                    (step.id,),
                    facts.example.get("opt_out", ""),
                ),
            )


def _opt_outs(shown: Shown) -> Iterator[Candidate]:
    for step, _, facts in shown.messages:
        if facts.opt_outs >= 2:
            yield Candidate(
                2 * shown.share(facts.opt_outs),
                Recommendation(
                    Subject.CONTENT,
                    f"Rewrite `{step.id}`: say first what the contact gains, and why it gets the message.",
                    f"{facts.opt_outs:,} of {counted(facts.sent, 'contact')} opted out after it, and"
                    f" {facts.negative:,} took it badly.",
                    (step.id,),
                    facts.example.get("opt_out", ""),
                ),
            )


def _wording(shown: Shown) -> Iterator[Candidate]:
    for issue in shown.checked.issues:
        if issue.type in _STEP_WORDS and issue.step in shown.facts.steps:
            sent = shown.facts.steps[issue.step].sent
            said = f" {counted(sent, 'message')} of it went out." if sent else ""
            yield Candidate(
                0.3 + shown.share(min(sent, len(shown.facts.contacts))),
                Recommendation(
                    Subject.CONTENT, f"Mend `{issue.step}`: {issue.fix}", f"{issue.sentence}{said}", (issue.step,)
                ),
            )


def _unopened(shown: Shown) -> Iterator[Candidate]:
    for step, action, facts in shown.messages:
        if isinstance(action, SendEmail) and facts.sent >= _ENOUGH and facts.opened * 2 < facts.sent:
            yield Candidate(
                0.5 * shown.share(facts.sent - facts.opened),
                Recommendation(
                    Subject.CONTENT,
                    f"Try another subject for `{step.id}` than “{_short(action.subject)}”, as an arm of a split.",
                    f"{facts.opened:,} of {facts.sent:,} contacts opened it.",
                    (step.id,),
                ),
            )


def _unanswered(shown: Shown) -> Iterator[Candidate]:
    waits = {step.id for step, _, _ in shown.waits}
    for step, action, facts in shown.messages:
        if step.next in waits and facts.answered * 2 < facts.sent:
            ask = "Make the question of" if "?" in action.body else "End with one question in"
            yield Candidate(
                0.3 * shown.share(facts.sent - facts.answered),
                Recommendation(
                    Subject.CONTENT,
                    f"{ask} `{step.id}` {'easier to answer, such as' if '?' in action.body else 'that can be answered'}"
                    " with one word to reply.",
                    f"{facts.answered:,} of {facts.sent:,} contacts answered it, and the campaign waits for an answer.",
                    (step.id, step.next),
                ),
            )


def _unread_replies(shown: Shown) -> Iterator[Candidate]:
    for step in shown.campaign.steps:
        facts = shown.facts.steps[step.id]
        if facts.unread:
            said = [f"“{_short(text)}”" for text, _ in Counter(facts.unread).most_common(3)]
            yield Candidate(
                0.7 * shown.share(len(facts.unread)),
                Recommendation(
                    Subject.BRANCHING,
                    f"Add a branch to `{step.id}` for the replies that it does not know, such as questions.",
                    f"{len(facts.unread):,} contacts went on at `otherwise` after replies such as {all_of(said)}.",
                    (step.id,),
                    facts.example.get("unread", ""),
                ),
            )


def _never_taken(shown: Shown) -> Iterator[Candidate]:
    by_step: dict[str, list[str]] = {}
    for edge in shown.coverage.missing:
        by_step.setdefault(edge.step, []).append(edge.branch)
    for step, branches in by_step.items():
        came = shown.facts.steps[step].contacts
        names = all_of(f"`{branch}`" for branch in branches)
        if came >= _ENOUGH:
            yield Candidate(
                0.3 * shown.share(came),
                Recommendation(
                    Subject.BRANCHING,
                    f"Look at {names} of `{step}`: play more contacts, widen the condition, or delete the way.",
                    f"{came:,} contacts came to the step, and none went that way.",
                    (step,),
                ),
            )


def _broken_ways(shown: Shown) -> Iterator[Candidate]:
    for issue in shown.checked.issues:
        if issue.type in _WAYS and issue.step in shown.facts.steps:
            came = shown.facts.steps[issue.step].contacts
            said = f" {counted(came, 'contact')} came to it." if came else ""
            yield Candidate(
                (1.0 if issue.severity is Severity.ERROR else 0.4) + shown.share(came),
                Recommendation(
                    Subject.BRANCHING, f"Mend `{issue.step}`: {issue.fix}", f"{issue.sentence}{said}", (issue.step,)
                ),
            )


def _open_ends(shown: Shown) -> Iterator[Candidate]:
    for step in shown.campaign.steps:
        facts = shown.facts.steps[step.id]
        times = sum(facts.errors[what] for what in OPEN_ENDS)
        if times:
            example = next(facts.example[what] for what in OPEN_ENDS if what in facts.example)
            yield Candidate(
                0.8 * shown.share(times),
                Recommendation(
                    Subject.BRANCHING,
                    f"Let `{step.id}` lead to a goal or an exit, so that it is known how contacts end.",
                    f"{counted(times, 'contact')} ended there without either.",
                    (step.id,),
                    example,
                ),
            )


def _lost(shown: Shown) -> Iterator[Candidate]:
    gone = shown.facts.lost.total()
    for (step, branch), times in shown.facts.lost.most_common(2):
        if branch == "timeout":
            do = f"Follow up once more after `{step}` times out, on another channel or with another offer."
        else:
            do = f"Answer those who leave `{step}` by `{branch}` with another offer before they are lost."
        yield Candidate(
            0.6 * shown.share(times),
            Recommendation(
                Subject.CONVERSION,
                do,
                f"`{branch}` of `{step}` was the last choice for {times:,} of {gone:,} contacts without a goal.",
                (step,),
                shown.facts.lost_in[step, branch],
            ),
        )


def _arms(shown: Shown) -> Iterator[Candidate]:
    for split in shown.splits:
        for arm in split.arms[1:]:
            first = split.arms[0]
            if not arm.conversion.total or not first.conversion.total:
                continue
            interval = f"{points(arm.difference)} points, {points(arm.low)} to {points(arm.high)}"
            shares = (
                f"`{arm.arm}` led {out_of(arm.conversion)} contacts to a goal, `{first.arm}` {out_of(first.conversion)}"
            )
            if arm.low > 0 or arm.high < 0:
                better, worse = (arm, first) if arm.low > 0 else (first, arm)
                do = f"Send more contacts of `{split.step}` to `{better.arm}` than to `{worse.arm}`."
                weight = abs(arm.difference)
            else:
                do = f"Play more contacts before you choose between the arms of `{split.step}`."
                weight = 0.02
            yield Candidate(weight, Recommendation(Subject.CONVERSION, do, f"{shares} ({interval}).", (split.step,)))


def _hard_personas(shown: Shown) -> Iterator[Candidate]:
    first = next((step.id for step, _, _ in shown.messages), "")
    for one in shown.personas:
        if first and one.conversion.total >= 5 and one.conversion.high < shown.rate.value:
            yield Candidate(
                0.5 * shown.share(one.conversion.total),
                Recommendation(
                    Subject.CONVERSION,
                    f"Give contacts such as {one.persona} a way of their own after `{first}`.",
                    f"{out_of(one.conversion)} of them reached a goal, and {percent(shown.rate.value)} of all.",
                    (first,),
                ),
            )


def _no_goal(shown: Shown) -> Iterator[Candidate]:
    steps = shown.campaign.steps
    if steps and not any(isinstance(step.action, Goal) for step in steps):
        yield Candidate(
            1.0,
            Recommendation(
                Subject.CONVERSION,
                f"Add a goal to the campaign that starts at `{steps[0].id}`, so that it is known whom it wins.",
                "Without a goal no contact converts.",
                (steps[0].id,),
            ),
        )


RULES: Sequence[Callable[[Shown], Iterator[Candidate]]] = (
    _quiet_hours,
    _caps,
    _late_replies,
    _long_waits,
    _silence,
    _frequency,
    _opt_outs,
    _wording,
    _unopened,
    _unanswered,
    _unread_replies,
    _never_taken,
    _broken_ways,
    _open_ends,
    _lost,
    _arms,
    _hard_personas,
    _no_goal,
)
"""All rules."""


def _ninety(values: Sequence[int]) -> float:
    """The value below which nine of ten lie."""
    return quantiles(values, n=10, method="inclusive")[-1] if len(values) > 1 else float(values[0])


def _about(milliseconds: float) -> str:
    """A duration in its largest unit, such as `3 hours`."""
    seconds = milliseconds / 1000
    unit = next((unit for unit in (DAY, HOUR, MINUTE) if seconds >= unit), 1)
    return write_duration(round(seconds / unit) * unit)


def _rounded(seconds: float) -> str:
    """A duration that people would set: rounded up to half days, hours or minutes."""
    unit = next((unit for unit in (DAY // 2, HOUR, MINUTE) if seconds >= unit), 1)
    return write_duration(-(-int(seconds) // unit) * unit)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _TEXT else f"{line[: _TEXT - 1]}…"
