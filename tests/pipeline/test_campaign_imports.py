"""Real workflows of n8n, and a journey of Dittofeed, are imported and played to an end."""

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from services.synthesizer.campaigns.formats import import_campaign
from services.synthesizer.campaigns.formats.imported import Imported, Outcome
from shared.model.campaigns.model import SendEmail, SendSms
from tests.data import shared_data
from tests.pipeline.playing import Played, play


@dataclass(frozen=True)
class Rehearsed:
    """A workflow. branches: its outputs of If and Switch that lead somewhere; taken: those that a contact took."""

    name: str
    imported: Imported
    played: Played
    branches: frozenset[tuple[str, int]]

    @property
    def sends(self) -> bool:
        return any(isinstance(step.action, SendSms | SendEmail) for step in self.imported.campaign.steps)

    @property
    def taken(self) -> set[tuple[str, int]]:
        outputs = self.imported.outputs
        return {(one.name, one.number) for one in outputs if self.played.taken.intersection(one.edges)} & self.branches


@cache
def rehearsed(contacts: int = 300) -> Sequence[Rehearsed]:
    """The workflows, each played by up to so many contacts."""
    found = []
    with gzip.open(shared_data("campaign") / "n8n_message_workflows.jsonl.gz") as lines:
        for line in lines:
            document = json.loads(line)
            imported, detected = import_campaign([(line, "workflow.json")])
            assert detected == "n8n"
            kinds = {node["name"]: node["type"] for node in document["nodes"]}
            edges = [edge for edge in document["edges"] if kinds[edge["from"]] in ("if", "switch")]
            branches = frozenset((edge["from"], edge["out"]) for edge in edges)
            found.append(Rehearsed(document["name"], imported, play(imported, contacts), branches))
    return found


def test_real_workflows_are_played_to_an_end_and_their_branches_are_taken() -> None:
    found = rehearsed()

    assert len(found) == 24
    through = [one for one in found if one.played.through]
    assert len(through) >= 22
    assert all(one.played.through or not one.sends for one in found)
    assert sum(len(one.branches) for one in found) == 66
    assert sum(len(one.taken) for one in found) >= 55


def test_conditions_of_real_workflows_are_evaluated_and_every_other_part_has_a_reason() -> None:
    found = rehearsed()

    conditions = sum(one.imported.conditions for one in found)
    assert sum(one.imported.evaluated for one in found) >= 0.9 * conditions
    for one in found:
        for part in one.imported.parts:
            assert part.reasons or part.outcome is Outcome.READ, (one.name, part)


def test_a_real_journey_is_imported_with_its_templates() -> None:
    folder = shared_data("campaign") / "dittofeed"
    files = [folder / "journeys" / "onboarding.yaml", *sorted((folder / "templates").iterdir())]
    imported, detected = import_campaign([(file.read_bytes(), file.name) for file in files])

    assert detected == "dittofeed"
    kinds = [step.action.kind for step in imported.campaign.steps]
    assert kinds == ["send_email", "delay", "send_email", "exit"]
    first = imported.campaign.steps[0].action
    assert isinstance(first, SendEmail)
    assert first.subject == 'Hi {{ contact.fullname | default: "there"}}!'
    assert "Dear {{ contact.name }}" in first.body
    assert play(imported, 100).through
