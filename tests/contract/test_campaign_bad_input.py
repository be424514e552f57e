"""What nobody can play: an error names step and field soon, and the service keeps serving."""

import json
import time
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from greenroom.client import Client, GreenroomError
from greenroom.synthesizer.v1.campaign_simulation_pb2 import Interaction
from greenroom.synthesizer.v1.conversation_pb2 import Conversation
from tests.suite import suite

SECONDS = 3.0
"""Of this process, in which client and server run together; a second is promised, and the machine may be slow."""
HEAD = "display_name: X\ncontact: {visits: {type: integer}, born: {type: date}}\n"
GOOD = f"{HEAD}steps: [{{id: hi, send_sms: {{body: Hi}}, next: end}}, {{id: end, exit: {{}}}}]"
DEEP = "(" * 900 + "true" + ")" * 900
FORK = "{id: fork, condition: {branches: [{when: '%s', next: end}], otherwise: end}}"
LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{one}: &a{one} [{', '.join([f'*a{one - 1}'] * 9)}]\n" for one in range(1, 9)
)

REFUSED: Mapping[str, tuple[str | bytes, dict[str, Any], list[str]]] = {
    "not YAML": ("display_name: X\nsteps: [", {}, ["campaign 1", "line 3"]),
    "no text": ("\x00\x01{{{", {}, ["campaign.files[0]", "NUL"]),
    "an unknown kind of step": (GOOD.replace("send_sms", "send_smss"), {}, ["The step `hi`", "`send_sms`"]),
    "an unknown key": (GOOD.replace("body", "boddy"), {}, ["The step `hi`, send_sms", "`boddy`", "`body`"]),
    "deep YAML": (f"{HEAD}steps: {'[' * 20_000}", {}, ["campaign 1"]),
    "a mapping that contains itself": (f"{HEAD}steps: &steps [*steps]", {}, ["campaign 1"]),
    "a billion laughs": (f"{LAUGHS}{GOOD}", {}, ["campaign 1"]),
    "an unknown time zone of the campaign": (f"time_zone: Mars/Base\n{GOOD}", {}, ["time_zone", "IANA"]),
    "an unknown time zone of the contact": (GOOD, {"time_zone": "Mars/Base"}, ["contact.time_zone", "Mars/Base"]),
    "a field of the wrong type": (GOOD, {"visits": "many"}, ["contact.visits", "integer", "many"]),
    "a contact's date that does not exist": (GOOD, {"born": "2026-02-30"}, ["contact.born", "date", "2026-02-30"]),
    "a holiday that does not exist": (f"holidays: ['2026-02-30']\n{GOOD}", {}, ["holidays", "2026-02-30"]),
    "a webhook that nobody mocks": (
        GOOD.replace("send_sms: {body: Hi}", "webhook: {tool: crm}"),
        {},
        ["campaign.files[0]", "`hi`", "`crm`"],
    ),
}
FAILED: Mapping[str, tuple[str, str]] = {
    "a template that would print a gigabyte": (
        GOOD.replace("body: Hi", "body: '{% for a in (1..30000) %}{% for b in (1..30000) %}x{% endfor %}{% endfor %}'"),
        "hi",
    ),
    "a text that doubles": (
        GOOD.replace(
            "body: Hi", 'body: \'{% assign a = "xxxx" %}' + "{% assign a = a | append: a %}" * 28 + "{{ a }}'"
        ),
        "hi",
    ),
    "a condition that nests too deep": (f"{HEAD}steps: [{FORK % DEEP}, {{id: end, exit: {{}}}}]", "fork"),
}


@pytest.fixture(scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    async with suite("sqlite", tmp_path_factory.mktemp("suite")) as greenroom:
        await played(greenroom.client, GOOD)  # what is loaded once does not count
        yield greenroom.client


async def played(client: Client, text: str, contact: Mapping[str, Any] | None = None) -> Conversation:
    started = await client.simulations.start([text], "personas/eager-eddie", contact=contact)
    async with client.conversations.watch(started.name) as events:
        async for _ in events:
            pass
    return await client.conversations.get(started.name)


async def test_what_cannot_be_played_is_refused_with_its_field_and_the_service_keeps_serving(client: Client) -> None:
    wrong: list[str] = []
    for case, (text, contact, expected) in REFUSED.items():
        began = time.process_time()
        try:
            await played(client, str(text), contact)
            wrong.append(f"{case}: it was played")
        except GreenroomError as refused:
            told = f"{refused} {refused.violations}"
            wrong += [f"{case}: {one} is not in {told[:500]}" for one in expected if one not in told]
            if refused.code != "INVALID_ARGUMENT":
                wrong.append(f"{case}: {refused.code}")
        if (took := time.process_time() - began) > SECONDS:
            wrong.append(f"{case}: {took:.1f} s")
    assert wrong == [], "\n".join(wrong)
    assert (await played(client, GOOD)).state == Conversation.STATE_COMPLETED


async def test_a_step_that_takes_too_much_fails_its_conversation_and_is_named(client: Client) -> None:
    wrong: list[str] = []
    for case, (text, step) in FAILED.items():
        began = time.process_time()
        done = await played(client, text)
        took = time.process_time() - began
        if done.state != Conversation.STATE_FAILED or f"The step {step}" not in done.ended.detail:
            wrong.append(f"{case}: {done.ended}")
        if took > SECONDS:
            wrong.append(f"{case}: {took:.1f} s")
    assert wrong == [], "\n".join(wrong)
    assert (await played(client, GOOD)).state == Conversation.STATE_COMPLETED


async def test_ten_megabytes_of_conditions_are_refused_and_what_fits_is_read_or_refused_soon(
    client: Client, tmp_path: Path
) -> None:
    file = tmp_path / "large.json"
    nested = "(" * 200 + "true" + ")" * 200
    branches = [{"when": nested, "next": "end"}] * 200
    steps: list[Any] = [{"id": f"s{one}", "condition": {"branches": branches}} for one in range(120)]
    whole = json.dumps({"display_name": "X", "steps": [*steps, {"id": "end", "exit": {}}]})
    assert len(whole) > 10_000_000
    file.write_text(whole)
    began = time.process_time()
    with pytest.raises(GreenroomError) as refused:
        await client.campaigns.create(file)
    assert refused.value.code in ("INVALID_ARGUMENT", "RESOURCE_EXHAUSTED")
    with pytest.raises(GreenroomError) as refused:
        await client.simulations.start([whole[:3_000_000]], "personas/eager-eddie")
    assert "files" in f"{refused.value} {refused.value.violations}"
    assert time.process_time() - began < SECONDS

    file.write_text(json.dumps({"display_name": "X", "steps": [*steps[:30], {"id": "end", "exit": {}}]}))
    stored = await client.campaigns.create(file)
    assert stored.revision.step_count == 31
    assert (await played(client, GOOD)).state == Conversation.STATE_COMPLETED


async def test_a_cycle_of_conditions_ends_at_the_most_steps(client: Client) -> None:
    cycle = (
        f"{HEAD}steps: [{{id: a, condition: {{branches: [{{when: 'true', next: b}}]}}}}, "
        "{id: b, condition: {branches: [{when: 'contact.visits < 1', next: a}]}}]"
    )
    began = time.process_time()
    done = await played(client, cycle)
    assert (done.state, done.ended.reason) == (Conversation.STATE_COMPLETED, "MAX_STEPS")
    assert time.process_time() - began < SECONDS


async def test_clocks_that_change_at_night_move_a_message_to_the_time_after_the_change(client: Client) -> None:
    """On 29 March 2026 clocks in Berlin go from 02:00 to 03:00, and on 25 October from 03:00 back to 02:00."""
    text = (
        "display_name: X\ntime_zone: Europe/Berlin\nquiet_hours: {start: '00:00', end: '00:00'}\n"
        "steps: [{id: night, delay: {time: '02:30'}, next: hi}, {id: hi, send_sms: {body: Hi}}]"
    )
    sent = []
    for day in (datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 10, 24, 12, tzinfo=UTC)):
        started = await client.simulations.start([text], "personas/eager-eddie", epoch=day)
        async with client.conversations.watch(started.name) as events:
            async for _ in events:
                pass
        rows = [row async for row in client.simulations.interactions(started.name)]
        sent += [row.time.ToDatetime() for row in rows if row.status == Interaction.STATUS_SENT]
    assert sent == [datetime(2026, 3, 29, 1, 30), datetime(2026, 10, 25, 0, 30)]
