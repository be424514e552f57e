"""Campaigns are read from YAML and JSON, and every problem of a file has its line and column."""

import json
from pathlib import Path

import pytest

from shared.model.campaigns.conditions import Conditions, Facts
from shared.model.campaigns.errors import CampaignInvalid
from shared.model.campaigns.expectations import read_expectation, write_expectation
from shared.model.campaigns.reading import read_campaign
from shared.model.campaigns.times import read_duration, read_time, write_duration
from shared.model.campaigns.writing import document, write_campaign
from shared.yaml import BadYaml

SOUND = Path(__file__).parents[3] / "examples/campaigns/check-up.yaml"


def test_a_campaign_is_the_same_after_it_was_written_as_yaml_and_as_json() -> None:
    campaign = read_campaign(SOUND.read_bytes(), "check-up.yaml")

    assert read_campaign(write_campaign(campaign), "written.yaml") == campaign
    assert read_campaign(json.dumps(document(campaign)).encode(), "written.json") == campaign
    assert {step.action.kind for step in campaign.steps} == set(
        "send_sms send_email wait_for_reply delay condition split update_contact webhook goal exit".split()
    )


BAD = b"""\
display_name: 3
time_zone: Europe/Berln
holiday: []
holidays: [2026-02-30]
quiet_hours: {start: 25:00}
contact:
  A: {type: intger}
  n: {type: integer, default: x}
expectations: [never more]
steps:
  - id: a
    send_smss: {body: x}
  - id: b
    delay: {duration: 2 dys}
    next: A
  - send_sms: {bdy: x}
  - 7
  - id: k
    goal: {}
    exit: {}
"""


def test_every_problem_of_a_file_is_named_with_its_place() -> None:
    with pytest.raises(CampaignInvalid) as refused:
        read_campaign(BAD, "bad.yaml")

    found = {one.field: one.description for one in refused.value.violations}
    for place, part in {
        "1:15": "`display_name` should be text",
        "2:12": "`time_zone` should be the IANA name of a time zone, such as `Europe/Berlin`, not `Europe/Berln`",
        "3:1": "A campaign has no key `holiday` (did you mean `holidays`?)",
        "4:12": "a date that exists",
        "5:22": "a time of day",
        "7:3": "The name of a contact field",
        "7:13": "not `intger` (did you mean `integer`?)",
        "8:6": "`n` is of type integer, and 'x' is not",
        "9:16": "a sentence such as `expect goal within 7 days`",
        "12:5": "The step `a` has no key `send_smss` (did you mean `send_sms`?)",
        "14:23": "The step `b`, delay: `duration` should be a duration such as `2 days`",
        "15:11": "The step `b`: `next` should be the id of a step, not `A`",
        "16:5": "Step 3 needs the key `id`",
        "16:16": "Step 3, send_sms has no key `bdy` (did you mean `body`?)",
        "17:5": "Step 4 should be a mapping",
        "18:5": "The step `k` has the kinds goal and exit; a step has one",
    }.items():
        assert part in found[f"bad.yaml:{place}"]


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xfe",
        b"steps: [",
        b"a: &a [1]\nb: *a",
        b"display_name: x\ndisplay_name: y\nsteps: []",
        b"steps: " + b"[" * 100_000,
        b"x" * (10 << 20),
        b"- 1",
        b"",
    ],
)
def test_what_is_no_campaign_is_refused(data: bytes) -> None:
    with pytest.raises((BadYaml, CampaignInvalid)):
        read_campaign(data, "bad.yaml")


def test_durations_times_and_expectations_are_read_as_people_write_them() -> None:
    assert [read_duration(text) for text in ("2 days", "1h 30min", "1 day and 2 hours", "-5 minutes", "0 seconds")] == [
        172_800,
        5_400,
        93_600,
        -300,
        0,
    ]
    assert all(read_duration(write_duration(seconds)) == seconds for seconds in (0, 1, -61, 90_061, 604_800))
    assert (read_time("9:05"), read_time("23:59"), read_time(21 * 60)) == (545, 1_439, 1_260)
    for sentence in (
        "expect goal within 7 days",
        "when persona busy parent, expect goal booked within 14 days",
        "never more than 3 messages a week",
        "never more than 1 sms in 1 day 12 hours",
        "never more than 2 email a month",
        "nothing after STOP",
    ):
        assert write_expectation(read_expectation(sentence)) == sentence
    for wrong in ("never more than three messages a week", "expect goal within 0 days", "expect goal within 2 moons"):
        with pytest.raises(ValueError, match=r".*"):
            read_expectation(wrong)


def test_conditions_know_the_declared_fields_and_their_types() -> None:
    conditions = Conditions(read_campaign(SOUND.read_bytes(), "check-up.yaml").contact)
    young = conditions.values(Facts(contact={"age": 20}, tags=("due",), reply="Yes please", sentiment=0.4))

    assert conditions.compile("contact.age < 30 && 'due' in tags && reply.matches('(?i)yes')").holds(young)
    assert conditions.compile("contact.language == 'en' && !contact.insured").holds(young)
    for wrong, part in (("contact.agee > 3", "contact.agee"), ("contact.age > 'x'", "overload"), ("1", "int")):
        with pytest.raises(ValueError, match=part):
            conditions.compile(wrong)
    with pytest.raises(ValueError, match=r"sentiment > 0\.0"):
        conditions.compile("sentiment > 0")
