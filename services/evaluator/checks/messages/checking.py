"""All checks of the messages of a campaign."""

from collections.abc import Iterator

from services.evaluator.checks.messages.length import length_issues
from services.evaluator.checks.messages.links import link_issues
from services.evaluator.checks.messages.merge_fields import left_over, merge_field_issues
from services.evaluator.checks.messages.opting_out import opting_out_issues
from services.evaluator.checks.messages.rendering import Written, first_messages, render, sample_values
from services.evaluator.checks.messages.spam import WARN_ABOVE, spam_risk
from services.evaluator.checks.messages.tone import tone_issues
from services.evaluator.checks.model import Issue, Severity
from shared.model.campaigns.model import Campaign
from shared.model.templates import BadTemplate
from shared.model.work_budget import TooMuchWork, work_budget
from shared.words import all_of

_SHOWN = 4
"""The rules that the sentence about a spam risk names."""


def message_issues(campaign: Campaign) -> Iterator[Issue]:
    """What is wrong with the messages, in the order of the steps. Each message has a work budget of its own."""
    values, first = sample_values(campaign), first_messages(campaign)
    for step in campaign.steps:
        try:
            with work_budget():
                message = render(step, values)
                if message is None:
                    continue
                yield from [*merge_field_issues(step, campaign, values)]
        except BadTemplate as bad:
            yield Issue(Severity.ERROR, "bad_template", step.id, str(bad), "Correct the template.")
        except TooMuchWork:
            yield Issue(
                Severity.ERROR,
                "bad_template",
                step.id,
                "The template takes too much work.",
                "Use fewer and shorter loops.",
            )
        else:
            yield from _message_issues(Written(step.id, message, step.id in first, campaign))


def _message_issues(written: Written) -> Iterator[Issue]:
    step, message = written.step, written.message
    yield from left_over(step, message)
    yield from _spam_issues(written)
    yield from tone_issues(step, message)
    yield from opting_out_issues(written)
    yield from link_issues(step, message)
    yield from length_issues(step, message)


def _spam_issues(written: Written) -> Iterator[Issue]:
    found = spam_risk(written.message)
    if found.risk > WARN_ABOVE:
        heavy = [hit for hit in found.hits if hit.points > 0][:_SHOWN]
        yield Issue(
            Severity.WARNING,
            "spam_risk",
            written.step,
            f"Its spam risk is {found.risk:.0f} of 100: {all_of(f'{hit.rule} ({hit.points:+.1f})' for hit in heavy)}.",
            " ".join(dict.fromkeys(hit.why for hit in heavy)),
        )
