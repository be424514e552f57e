"""How long a campaign of 20 steps and 30 days takes for many contacts, beside a bare loop over the same graph.

Both store a row for every step and reply as JSON in SQLite, synchronous FULL, a transaction for each contact. The
bare loop draws at random whether and when a contact replies; it knows no conditions, templates, quiet hours, or caps.
"""

import json
import random
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from benchmarks.results import gates, limited, report
from services.synthesizer.conversations.persona_brief import persona_brief
from services.synthesizer.offline.contact import Contact
from services.synthesizer.personas.builtin import built_in
from shared.model.campaigns.interactions import Interaction, Response
from shared.model.campaigns.model import Campaign, SendEmail, SendSms
from shared.model.campaigns.reading import read_campaign
from shared.model.campaigns.rows import pack_rows
from shared.model.campaigns.simulation import Script, State, simulate
from shared.model.events import Json

TOPIC = "campaigns"
_START = 1_767_603_600_000
_DAY = 86_400_000
_WEEK = """\
  - {id: ask#, send_sms: {body: 'Hi {{ contact.first_name | default: "there" }}, offer #? Reply YES'}, next: wait#}
  - {id: wait#, wait_for_reply: {timeout: 2 days}, next: which#}
  - {id: which#, condition: {branches: [{when: 'reply == "YES"', next: pause#}], otherwise: mail#}}
  - {id: mail#, send_email: {subject: 'Offer #', body: 'Look at https://shop.example/#'}, next: pause#}
  - {id: pause#, delay: {duration: 6 days}, next: NEXT}
"""


def run(quick: bool) -> bool:
    """Measure, report, and return whether the gates held."""
    gate = gates(TOPIC)
    sizes = gate["quick" if quick else "full"]
    campaign = thirty_days()
    ours, theirs = [], []
    for _ in range(sizes["rounds"]):
        seconds, rows = _stored(lambda: _ours(campaign, sizes["contacts"]))
        bare_seconds, bare_rows = _stored(lambda: _bare(campaign, sizes["contacts"]))
        print(f"{rows:,} rows in {seconds:.2f} s; the bare loop {bare_rows:,} rows in {bare_seconds:.2f} s")
        ours.append(seconds / rows)
        theirs.append(bare_seconds / bare_rows)
    ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
    return report(TOPIC, [limited(gate["simulation"], "times", ratios, samples={"ours": ours, "theirs": theirs})])


def thirty_days() -> Campaign:
    """A campaign of four weeks with five steps: it asks by SMS, waits, and sends an e-mail unless the reply is yes."""
    steps = [_WEEK.replace("#", str(week)).replace("NEXT", f"ask{week + 1}") for week in range(4)]
    last = "- {id: pause3, delay: {duration: 6 days}, next: ask4}"
    text = "display_name: Thirty days\nsteps:\n" + "".join(steps).replace(last, "- {id: pause3, goal: {}}")
    return read_campaign(text.encode(), "thirty_days.yaml")


def _ours(campaign: Campaign, contacts: int) -> Iterator[Sequence[bytes]]:
    script, personas = Script([campaign]), [*built_in().values()]
    for index in range(contacts):
        persona = personas[index % len(personas)]
        player = Contact(persona_brief(persona, None), persona.personality.decision_speed, persona.first_name, 1, index)
        begun = script.begin({"first_name": f"Alex{index}"}, _START)
        rows = simulate(script, begun, partial(_responds, script, player), _no_webhook, 1, index)
        yield [pack_rows([row]) for row in rows]


def _no_webhook(row: Interaction, state: State) -> Json:
    raise AssertionError(f"{row.tool} at {state.now}")


def _responds(script: Script, player: Contact, row: Interaction, state: State) -> Response:
    return player.responds(row, state, script.place(state, 0))


def _bare(campaign: Campaign, contacts: int) -> Iterator[Sequence[bytes]]:
    steps = {step.id: (step.action.kind, step.action, [edge.target for edge in step.edges]) for step in campaign.steps}
    dice = random.Random(1)
    for _ in range(contacts):
        rows: list[bytes] = []
        at, here = _START, campaign.first
        while here:
            kind, action, targets = steps[here]
            row: dict[str, Json] = {"seq": len(rows) + 1, "at": at, "campaign": 0, "step": here, "type": kind}
            if isinstance(action, SendSms | SendEmail):
                row |= {"channel": kind[5:], "status": "sent", "message": action.body, "response": {"reply": "YES"}}
            elif kind == "delay":
                at += 6 * _DAY
            elif kind == "wait_for_reply":
                replies = dice.random() < 0.4
                at += dice.randrange(_DAY) if replies else 2 * _DAY
                row |= {"reply": "YES", "branch": "reply"} if replies else {"branch": "timeout"}
            here = dice.choice(targets) if targets else ""
            row |= {"target": here, "due": at, "actual": "The contact goes on to the next step."}
            rows.append(json.dumps([row]).encode())
        yield rows


def _stored(contacts: Callable[[], Iterator[Sequence[bytes]]]) -> tuple[float, int]:
    """The seconds to make and store the rows, and how many there are."""
    with tempfile.TemporaryDirectory() as folder:
        connection = sqlite3.connect(Path(folder) / "rows.db", isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE rows (contact INTEGER, seq INTEGER, payload BLOB, PRIMARY KEY (contact, seq))")
        count, started = 0, time.perf_counter()
        for contact, rows in enumerate(contacts()):
            connection.execute("BEGIN")
            connection.executemany("INSERT INTO rows VALUES (?, ?, ?)", [(contact, *one) for one in enumerate(rows)])
            connection.execute("COMMIT")
            count += len(rows)
        seconds = time.perf_counter() - started
        connection.close()
    return seconds, count
