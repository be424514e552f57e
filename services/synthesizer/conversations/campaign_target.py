"""A campaign as the agent under test: its files, and the contact that they are played with."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.synthesizer.conversations.campaign_contacts import Row, count_rows, read_rows
from services.synthesizer.conversations.model import AgentTarget
from services.synthesizer.personas.model import Persona
from shared.errors import InvalidArgument
from shared.model.campaigns.clock import BadTimeZone, zone
from shared.model.campaigns.model import Campaign, Webhook, has_type
from shared.model.campaigns.reading import read_campaign
from shared.model.campaigns.simulation import MAX_STEPS
from shared.model.events import Json

CAMPAIGN = "campaign"
"""The kind of the target."""
MAX_STORED = 400_000
"""The most characters of a stored campaign that is played, as of one in `files`."""


_LISTED = 20
"""The most problems of a file that one error lists."""


@dataclass(frozen=True, slots=True)
class CampaignTarget:
    """What a campaign target names. contact: the contact's fields. tags: its tags. max_steps: that it may take.

    rows: of the contacts file, whose fields come before those of `contact`. wrong: what is wrong with the file.
    """

    campaigns: Sequence[Campaign]
    contact: Mapping[str, Json]
    tags: Sequence[str]
    max_steps: int
    rows: Sequence[Row] = ()
    wrong: Sequence[str] = ()


def stored_campaigns(target: AgentTarget) -> Sequence[Mapping[str, Any]]:
    """The stored campaigns that it names, each with `campaign`, `revision` and, once it was read, `content`."""
    stored: Any = target.config.get("stored", ())
    return [*stored]


def read_target(target: AgentTarget) -> CampaignTarget:
    """Read the target's files and stored campaigns. Raises BadYaml and CampaignInvalid."""
    config: Mapping[str, Any] = target.config
    texts = [(text, f"campaign {number}") for number, text in enumerate(config.get("files", ()), 1)]
    texts += [(one["content"], one["campaign"]) for one in stored_campaigns(target)]
    campaigns = [read_campaign(text.encode(errors="replace"), name) for text, name in texts]
    contact = {name: _whole(value) for name, value in config.get("contact", {}).items()}
    most = config.get("max_steps", 0) or MAX_STEPS
    rows, wrong = read_rows(config["contacts"], campaigns) if "contacts" in config else ((), ())
    return CampaignTarget(campaigns, contact, config.get("tags", ()), most, rows, wrong)


def contact_count(target: AgentTarget | None) -> int:
    """How many contacts the contacts file of a campaign target has; 0 if it has none."""
    contacts = None if target is None or target.kind != CAMPAIGN else target.config.get("contacts")
    return count_rows(contacts) if isinstance(contacts, str) else 0


def contact_of(target: CampaignTarget, persona: Persona, index: int) -> tuple[Mapping[str, Json], Sequence[str]]:
    """The fields and the tags of the contact that a persona plays, with its names if the contact has none.

    index: of the conversation in its batch, which takes its turn among the rows of the contacts file.
    """
    row = target.rows[index % len(target.rows)] if target.rows else Row()
    fields = {"name": persona.display_name, "first_name": persona.first_name, **target.contact, **row.fields}
    return fields, (*target.tags, *row.tags)


def target_problems(target: AgentTarget, mocked: Collection[str]) -> Iterator[tuple[str, str]]:
    """(field, sentence) of what is wrong with a campaign target. mocked: the tools that have mocks."""
    for number, one in enumerate(stored_campaigns(target)):
        if (size := len(one["content"])) > MAX_STORED:
            yield f"campaign.stored[{number}]", f"Has {size:,} characters; {MAX_STORED:,} can be played."
            return
    try:
        found = read_target(target)
    except InvalidArgument as wrong:
        if not wrong.violations:
            yield "campaign.files", str(wrong)
        for problem in wrong.violations[:_LISTED]:
            yield "campaign.files", f"{problem.field}: {problem.description}"
        return
    if not found.campaigns:
        yield "campaign.files", "A campaign target needs at least one campaign."
        return
    for sentence in found.wrong[:_LISTED]:
        yield "campaign.contacts", sentence
    if len(found.wrong) > _LISTED:
        yield "campaign.contacts", f"There are {len(found.wrong) - _LISTED:,} more problems."
    files: Any = target.config.get("files", ())
    for number, campaign in enumerate(found.campaigns):
        place = f"files[{number}]" if number < len(files) else f"stored[{number - len(files)}]"
        for step in campaign.steps:
            if isinstance(step.action, Webhook) and step.action.tool not in mocked:
                what = f"The step `{step.id}` calls the webhook `{step.action.tool}`"
                yield f"campaign.{place}", f"{what}, which the tool config does not mock."
        for field in campaign.contact:
            value = found.contact.get(field.name)
            if value is not None and not has_type(value, field.type):
                should = f"Should be of type {field.type.value}, not {str(value)[:60]!r}."
                yield f"campaign.contact.{field.name}", should
    for name in (found.contact.get("time_zone"), *(campaign.time_zone for campaign in found.campaigns)):
        try:
            zone(str(name or "UTC"))
        except BadTimeZone as bad:
            yield "campaign.contact.time_zone", str(bad)


def _whole(value: Json) -> Json:
    """Whole numbers as integers; the contract's struct has floats only."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
