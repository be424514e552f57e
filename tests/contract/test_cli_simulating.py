"""`greenroom campaigns simulate`."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.houses import House, serving

STEPS = """\
steps:
  - {id: hi, send_sms: {body: 'Hi {{ contact.first_name }} of {{ contact.zip }}, book? Reply YES or NO'}, next: wait}
  - {id: wait, wait_for_reply: {timeout: 2 days}, next: which}
  - id: which
    condition:
      branches: [{when: 'reply == "YES"', next: booked}]
      otherwise: bye
  - {id: booked, goal: {}}
  - {id: bye, exit: {}}
"""
SOUND = f"display_name: Welcome\nexpectations: [nothing after STOP]\n{STEPS}"
IGNORES_STOP = """\
display_name: Pushy
expectations: [nothing after STOP]
steps:
  - {id: one, send_sms: {body: Buy? Reply YES}, next: pause}
  - {id: pause, delay: {duration: 2 days}, next: two}
  - {id: two, send_sms: {body: Buy now? Reply YES}, next: pause_again}
  - {id: pause_again, delay: {duration: 2 days}, next: three}
  - {id: three, send_sms: {body: Last call}}
"""


ANA = ("--field", "first_name=Ana", "--field", "zip=01234")


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with serving(tmp_path_factory.mktemp("house")) as running:
        yield running


async def test_simulating_shows_every_interaction_or_every_edge_and_the_exit_status_says_if_it_is_sound(
    house: House, tmp_path: Path
) -> None:
    sound, pushy = tmp_path / "sound.yaml", tmp_path / "pushy.yaml"
    sound.write_text(SOUND)
    pushy.write_text(IGNORES_STOP)

    one = await house.ok("campaigns", "simulate", str(sound), "--persona", "eager-eddie", *ANA)
    assert "Hi Ana of 01234, book?" in one.out
    assert "nothing after STOP: met." in one.out
    await house.ok("campaigns", "create", str(sound), "--external-id", "sound")
    many = await house.ok("campaigns", "simulate", "sound@1", "--size", "28")
    assert "5 of 5 edges taken." in many.out
    assert "Eager Eddie" in many.out

    wrong = await house.run("campaigns", "simulate", str(pushy), "--size", "28")
    assert wrong.status == 1
    assert "nothing after STOP: missed by" in wrong.out
    as_json = await house.run("campaigns", "simulate", str(pushy), "--size", "28", "--json")
    assert as_json.status == 1
    assert as_json.json["contacts"] == 28
    rows = tmp_path / "contacts.csv"
    rows.write_text("id,first_name\n1,Ana\n2,Ben\n3,Cay\n")
    of_rows = await house.ok("campaigns", "simulate", str(sound), "--contacts", str(rows), "--json")
    assert of_rows.json["contacts"] == 3
    rows.write_text("id,frist_name\n1,Ana\n")
    refused = await house.run("campaigns", "simulate", str(sound), "--contacts", str(rows))
    assert "Row 1, field `frist_name`: no campaign declares it" in refused.err
    covered = await house.ok("campaigns", "cover", str(sound))
    assert "Welcome: 5 of 5 edges taken by" in covered.out
    short = await house.run("campaigns", "cover", str(sound), "--max-steps", "2")
    assert short.status == 1
    assert "unreachable: 1 of which. It takes 2 steps to come to `which`, and a contact takes 2." in short.out
    assert "no file" in (await house.run("campaigns", "simulate", "sound.yaml")).err
    assert "first_name" in (await house.run("campaigns", "simulate", str(sound), "--field", "x")).err
