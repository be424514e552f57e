"""One contact in campaigns on a virtual clock."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from shared.model.campaigns.clock import BadTimeZone, after_delay, when_allowed
from shared.model.campaigns.interactions import NO_RESPONSE, Interaction, Response, Status
from shared.model.campaigns.model import Campaign, Delay, Weekday
from shared.model.campaigns.outcomes import Coverage, findings
from shared.model.campaigns.reading import read_campaign
from shared.model.campaigns.simulation import Script, State, evolve, simulate
from shared.model.events import Json, Sentiment
from shared.model.work_budget import TooMuchWork

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
Responds = Callable[[Interaction, State], Response]


def at(text: str, place: str = "UTC") -> int:
    """The instant of a local time such as `2026-01-05 09:00`."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(place)).timestamp() * 1000)


NINE = at("2026-01-05 09:00")
"""A Monday."""


def campaign(steps: str, more: str = "") -> Campaign:
    """A campaign of YAML steps without quiet hours, unless `more` sets them."""
    quiet = "" if "quiet_hours" in more else "quiet_hours: {start: '0:00', end: '0:00'}\n"
    return read_campaign(f"display_name: Test\n{quiet}{more}\nsteps:\n{steps}".encode(), "test.yaml")


def play(
    *campaigns: Campaign,
    responds: Responds = lambda row, state: NO_RESPONSE,
    contact: dict[str, Json] | None = None,
    start: int = NINE,
    seed: int = 0,
    index: int = 0,
    max_steps: int = 50,
) -> Sequence[Interaction]:
    """All rows of a contact. Folding the stored rows up to any of them gives the same next row."""
    script = Script(campaigns, max_steps)
    begun = script.begin(contact or {}, start)
    rows = [*simulate(script, begun, responds, lambda row, state: {"tool": row.tool, **row.arguments}, seed, index)]
    state = begun
    for row in rows:
        try:
            again = script.next(state, seed, index)
        except TooMuchWork:
            again = script.stuck(state)
        assert again is not None
        assert replace(again, response=row.response, answer=row.answer) == row
        state = evolve(state, row)
    return rows


def replies(*responses: Response) -> Responds:
    """Answers the messages in order, and those after with silence."""
    rest = [*responses]
    return lambda row, state: rest[row_number] if (row_number := len(state.sent)) < len(rest) else NO_RESPONSE


def kinds(rows: Sequence[Interaction]) -> list[tuple[str, str]]:
    return [(row.step, row.branch or row.ended or row.status or row.type) for row in rows]


ASK = campaign(
    """
  - {id: ask, send_sms: {body: 'Hi {{ contact.first_name | default: "there" }}, come? Reply STOP to end'}, next: wait}
  - {id: wait, wait_for_reply: {timeout: 2 hours, on_timeout: nudge}, next: answer}
  - id: answer
    condition:
      branches: [{when: 'reply.startsWith("Yes")', next: booked, name: yes_branch}]
      otherwise: bye
  - {id: nudge, send_sms: {body: Still there?}, next: bye}
  - {id: booked, goal: {name: booking}}
  - {id: bye, exit: {reason: declined}}
"""
)


def test_the_earliest_of_reply_timeout_and_next_step_happens_next() -> None:
    early = play(ASK, responds=replies(Response("Yes please", 30 * MINUTE, sentiment=Sentiment.POSITIVE)))
    assert kinds(early) == [("ask", "next"), ("wait", "reply"), ("answer", "yes_branch"), ("booked", "goal")]
    assert [row.at - NINE for row in early] == [0, 30 * MINUTE, 30 * MINUTE, 30 * MINUTE]
    assert (early[1].reply, early[1].delay, early[1].actual) == ("Yes please", 30 * MINUTE, "A reply after 30 minutes.")
    assert early[0].message == "Hi there, come? Reply STOP to end"

    late = play(ASK, responds=replies(Response("Yes please", 3 * HOUR)))
    assert kinds(late) == [("ask", "next"), ("wait", "timeout"), ("nudge", "next"), ("bye", "exit"), ("ask", "reply")]
    assert late[-1].at == NINE + 3 * HOUR


def test_a_late_answer_meets_the_step_that_is_then_current() -> None:
    two = campaign("""
      - {id: first, send_sms: {body: One?}, next: wait_first}
      - {id: wait_first, wait_for_reply: {timeout: 1 hour}, next: second}
      - {id: second, send_sms: {body: Two?}, next: wait_second}
      - {id: wait_second, wait_for_reply: {timeout: 1 day, on_timeout: bye}, next: bye}
      - {id: bye, exit: {}}
    """)
    rows = play(two, responds=replies(Response("about one", 90 * MINUTE)))
    assert ("wait_second", "reply") in kinds(rows)
    assert next(row for row in rows if row.reply).answers == 1


STOPPED = campaign(
    """
  - {id: ask, send_sms: {body: Come? Reply STOP to end}, next: wait}
  - {id: wait, wait_for_reply: {timeout: 1 day}, next: confirm}
  - {id: confirm, send_sms: {body: You are unsubscribed.}, next: pause}
  - {id: pause, delay: {duration: 2 days}, next: mail}
  - {id: mail, send_email: {subject: News, body: News}, next: again}
  - {id: again, send_sms: {body: Come now?}}
""",
    "expectations: [nothing after STOP]",
)


def test_every_message_after_an_opt_out_but_one_confirmation_is_an_error_on_its_channel() -> None:
    rows = play(STOPPED, responds=replies(Response("take me off your list", 2 * MINUTE)))
    assert rows[1].opts_out
    wrong = [row for row in rows if not row.passed]
    assert [row.step for row in wrong] == ["again"]
    assert wrong[0].actual == "Sent 2 days after the opt-out."
    [finding] = findings(STOPPED, 0, rows, NINE, "Pam")
    assert (finding.met, finding.seq) == (False, wrong[0].seq)
    silent = play(STOPPED)
    assert all(row.passed for row in silent)
    assert all(one.met for one in findings(STOPPED, 0, silent, NINE, "Pam"))


def test_unsubscribing_by_the_link_of_an_email_leaves_sms_allowed() -> None:
    mail = campaign("""
      - {id: mail, send_email: {subject: News, body: News}, next: pause}
      - {id: pause, delay: {duration: 1 day}, next: sms}
      - {id: sms, send_sms: {body: Hello}, next: mail_again}
      - {id: mail_again, send_email: {subject: News, body: More}}
    """)
    rows = play(mail, responds=replies(Response(unsubscribes=True, after=HOUR)))
    assert [(row.step, row.type) for row in rows if row.opts_out] == [("pause", "unsubscribe")]
    assert [row.step for row in rows if not row.passed] == ["mail_again"]


def test_two_campaigns_share_clock_caps_quiet_hours_and_opt_out() -> None:
    def half(name: str) -> Campaign:
        return campaign(
            f"""
  - {{id: one, send_sms: {{body: {name} one}}, next: pause}}
  - {{id: pause, delay: {{duration: 1 day}}, next: two}}
  - {{id: two, send_sms: {{body: {name} two}}}}
""",
            "caps: [{messages: 3, within: 1 week}]",
        )

    rows = play(half("left"), half("right"))
    assert [(row.campaign, row.status) for row in rows if row.channel] == [
        (0, Status.SENT),
        (1, Status.SENT),
        (0, Status.SENT),
        (1, Status.DROPPED),
    ]
    assert rows[-1].actual == "Dropped, because the contact had 3 in the last 7 days."
    both = [replace(half(name), caps=()) for name in ("left", "right")]
    stopped = play(*both, responds=replies(Response("STOP", HOUR)))
    assert [(row.campaign, row.passed) for row in stopped if row.step == "two"] == [(0, False), (1, False)]


def test_quiet_hours_and_holidays_hold_messages_back_at_the_contacts_place() -> None:
    held = campaign(
        "  - {id: hi, send_sms: {body: Hi}}",
        "quiet_hours: {start: '21:00', end: '8:00'}\nholidays: ['2026-01-06']\ntime_zone: Europe/Berlin",
    )
    rows = play(held, contact={"time_zone": "America/New_York"}, start=at("2026-01-05 22:30", "America/New_York"))
    assert [row.status for row in rows] == [Status.HELD_BACK, Status.SENT]
    assert rows[1].at == at("2026-01-07 08:00", "America/New_York")
    by_day = play(held, start=at("2026-01-05 10:00", "Europe/Berlin"))
    assert [row.status for row in by_day] == [Status.SENT]


@pytest.mark.parametrize(
    ("delay", "begins", "ends"),
    [
        (Delay(time=9 * 60), "2026-01-05 10:00", "2026-01-06 09:00"),
        (Delay(time=9 * 60), "2026-01-05 09:00", "2026-01-05 09:00"),
        (Delay(weekday=Weekday.FRIDAY), "2026-01-05 10:15", "2026-01-09 10:15"),
        (Delay(weekday=Weekday.MONDAY), "2026-01-05 10:15", "2026-01-05 10:15"),
        (Delay(weekday=Weekday.MONDAY, time=9 * 60), "2026-01-05 10:15", "2026-01-12 09:00"),
        # Clocks go from 2:00 to 3:00 on 29 March, and from 3:00 to 2:00 on 25 October.
        (Delay(time=150), "2026-03-28 12:00", "2026-03-29 03:30"),
        (Delay(duration=86_400), "2026-03-28 12:00", "2026-03-29 13:00"),
        (Delay(duration=3_600, time=9 * 60), "2026-10-24 12:00", "2026-10-25 09:00"),
    ],
)
def test_delays_end_at_the_contacts_local_time_when_clocks_change(delay: Delay, begins: str, ends: str) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert after_delay(delay, at(begins, "Europe/Berlin"), berlin) == at(ends, "Europe/Berlin")


def test_quiet_hours_end_after_the_clocks_changed() -> None:
    night = campaign("  - {id: hi, send_sms: {body: Hi}}", "quiet_hours: {start: '21:00', end: '2:30'}")
    berlin = ZoneInfo("Europe/Berlin")
    allowed = when_allowed(night, at("2026-03-28 22:00", "Europe/Berlin"), berlin)
    assert datetime.fromtimestamp(allowed / 1000, berlin).strftime("%d %H:%M") == "29 03:30"
    always = campaign("  - {id: hi, send_sms: {body: Hi}}", "quiet_hours: {start: '0:00', end: '23:59'}")
    assert when_allowed(always, NINE, ZoneInfo("UTC")) == at("2026-01-05 23:59")


def test_a_loop_ends_after_the_most_steps_and_says_where_it_was() -> None:
    loop = campaign("""
      - {id: hi, send_sms: {body: Hi}, next: pause}
      - {id: pause, delay: {duration: 1 day}, next: hi}
    """)
    rows = play(loop, max_steps=10)
    assert [row.type for row in rows] == ["send_sms", "delay"] * 5 + ["max_steps"]
    assert (rows[-1].passed, rows[-1].actual) == (False, "The contact still is at `hi` after 10 steps.")


def test_what_a_contact_does_changes_conditions_and_templates() -> None:
    busy = campaign(
        """
      - {id: mail, send_email: {subject: 'Offer for {{ contact.plan }}', body: Look}, next: pause}
      - {id: pause, delay: {duration: 1 day}, next: mark}
      - id: mark
        update_contact: {fields: {plan: '{{ contact.plan | upcase }}', visits: 2}, add_tags: [hot]}
        next: look
      - {id: look, webhook: {tool: lookup, arguments: {plan: '{{ contact.plan }}'}}, next: which}
      - id: which
        condition:
          branches:
            - {when: 'clicks == 1 && opens == 1 && "hot" in tags && contact.visits == 2 && time.day == 1', next: say}
          otherwise: bye
      - {id: say, send_sms: {body: '{{ results.lookup.plan }} on {{ contact.plan }}'}}
      - {id: bye, exit: {}}
    """,
        "contact: {plan: {default: basic}, visits: {type: integer}}",
    )
    rows = play(busy, responds=replies(Response(opened=HOUR, clicked=2 * HOUR)))
    assert kinds(rows)[-2:] == [("which", "1"), ("say", "end")]
    assert rows[-1].message == "BASIC on BASIC"
    assert kinds(play(busy))[-1] == ("bye", "exit")
    later = play(busy, responds=replies(Response(opened=HOUR, clicked=3 * DAY)))
    assert kinds(later)[-1] == ("bye", "exit")


def test_arms_are_drawn_by_their_weights_and_coverage_counts_every_edge() -> None:
    split = campaign("""
      - {id: arms, split: {arms: [{name: a, next: x, weight: 3}, {name: b, next: x}]}}
      - {id: x, exit: {}}
    """)
    coverage = Coverage(split)
    for index in range(400):
        coverage.add(0, play(split, index=index), f"persona {index % 2}", f"conversations/{index}")
    counts = {edge.branch: times for edge, times in coverage.taken.items()}
    assert counts["a"] + counts["b"] == 400
    assert 260 < counts["a"] < 340
    assert coverage.missing == []
    assert {edge.branch: one for edge, one in coverage.shown.items()}["a"] == "conversations/0"
    missing = Coverage(ASK)
    missing.add(0, play(ASK), "Pam", "one")
    assert [(edge.step, edge.branch) for edge in missing.missing] == [
        ("wait", "reply"),
        ("answer", "yes_branch"),
        ("answer", "otherwise"),
    ]


def test_expectations_are_checked() -> None:
    expecting = replace(
        ASK,
        expectations=campaign(
            "  - {id: x, exit: {}}",
            "expectations: [expect goal within 1 hour, 'when persona busy_bob, expect goal booked within 7 days', "
            "never more than 1 sms a day]",
        ).expectations,
    )
    reached = play(expecting, responds=replies(Response("Yes", 30 * MINUTE)))
    assert [one.met for one in findings(expecting, 0, reached, NINE, "Busy Bob")] == [True, True, True]
    missed = [*findings(expecting, 0, play(expecting), NINE, "Pam")]
    assert [(one.met, one.actual) for one in missed] == [
        (False, "The goal was not reached."),
        (False, "There were 2 within 2 hours."),
    ]


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ("  - {id: hi, send_sms: {body: '{{ contact.x | nonsense }}'}}", "nonsense"),
        (
            "  - {id: hi, send_sms: {body: '{% for i in (1..1000) %}{% for j in (1..9) %}x{% endfor %}{% endfor %}'}}",
            "",
        ),
        ("  - {id: hi, condition: {branches: [{when: 'contact.nobody == 1', next: hi}]}}", "nobody"),
        ("  - {id: hi, send_sms: {body: Hi}, next: nowhere}", "There is no step `nowhere`."),
    ],
)
def test_a_step_that_cannot_be_performed_fails_with_a_sentence(steps: str, said: str) -> None:
    last = play(campaign(steps))[-1]
    assert (last.ended, last.passed) == ("failed", False)
    assert said in last.actual


def test_an_unknown_time_zone_is_refused() -> None:
    with pytest.raises(BadTimeZone, match="`Mars/Base` is unknown"):
        Script([ASK]).begin({"time_zone": "Mars/Base"}, int(datetime.now(UTC).timestamp() * 1000))


def test_what_cannot_be_played_fails_its_step_and_stops_nothing_else() -> None:
    updated = campaign(
        """
      - {id: keep, update_contact: {fields: {score: '{{ reply }}'}}, next: high}
      - {id: high, condition: {branches: [{when: 'contact.score > 5.0', next: bye}], otherwise: bye}}
      - {id: bye, exit: {}}
    """,
        "contact: {score: {type: number}}",
    )
    assert play(updated)[-1].actual == "The field `score` is '', which is no number."
    assert play(campaign("  - {id: which, split: {arms: []}}"))[-1].ended == "no_arm"
