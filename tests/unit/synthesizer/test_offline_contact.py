"""How the offline persona answers messages of campaigns."""

from collections import Counter
from statistics import median
from zoneinfo import ZoneInfo

import pytest

from services.synthesizer.conversations.persona_brief import persona_brief
from services.synthesizer.offline.contact import Contact
from services.synthesizer.personas.builtin import built_in
from shared.model.campaigns.interactions import Interaction, Response, Status
from shared.model.campaigns.model import Channel
from shared.model.campaigns.optout import is_opt_out
from shared.model.campaigns.simulation import State
from shared.model.events import Sentiment

UTC = ZoneInfo("UTC")
NOON = 1_767_614_400_000
PERSONAS = {persona.display_name: persona for persona in built_in().values()}
ASK = "Shall we book you in? Reply YES or NO. Reply STOP to opt out."


def answers(name: str, message: str, channel: Channel = Channel.SMS, times: int = 300) -> list[Response]:
    """What a persona answers with different indices, each to its first message."""
    persona = PERSONAS[name]
    state = State({}, (), NOON, NOON, ())
    row = Interaction(1, NOON, 0, "ask", "send_sms", channel=channel, message=message, status=Status.SENT)
    contacts = [
        Contact(persona_brief(persona, None), persona.personality.decision_speed, persona.first_name, 7, index)
        for index in range(times)
    ]
    return [contact.responds(row, state, UTC) for contact in contacts]


def test_the_same_seed_gives_the_same_answers() -> None:
    assert answers("Busy Bob", ASK, times=50) == answers("Busy Bob", ASK, times=50)


def test_personas_answer_as_often_and_as_fast_as_they_are() -> None:
    eager, busy = answers("Eager Eddie", ASK), answers("Busy Bob", ASK)
    assert sum(bool(one.reply) for one in eager) > 2 * sum(bool(one.reply) for one in busy)
    fast, slow = (median(one.after for one in group if one.reply) for group in (eager, busy))
    assert fast < 120_000 < 3_600_000 < slow
    assert all(7 <= (NOON + one.after) // 3_600_000 % 24 < 23 for one in [*eager, *busy] if one.reply)


def test_it_answers_what_the_message_offers_and_opts_out_in_words_that_are_recognised() -> None:
    said = Counter((one.reply, one.sentiment) for one in answers("Eager Eddie", ASK))
    assert said["YES", Sentiment.POSITIVE] > said["NO", Sentiment.NEGATIVE] > 0
    carl = answers("Cold Carl", ASK)
    assert len({one.reply for one in carl if is_opt_out(one.reply)}) > 3
    assert all(is_opt_out(one.reply) for one in carl if one.reasoning == "It has had enough of these messages.")
    rated = {one.reply for one in answers("Chatty Cathy", "Rate us from 1-5") if one.reply}
    assert any(mark.isdigit() for mark in rated)


@pytest.mark.parametrize("name", list(PERSONAS))
def test_emails_are_opened_before_they_are_clicked_or_answered(name: str) -> None:
    found = answers(name, "Look: https://shop.example/a What do you think?", Channel.EMAIL)
    assert all(one.opened is not None for one in found if one.reply or one.clicked)
    assert any(one.opened is None for one in found)
    assert any(one.clicked is not None and one.opened is not None and one.clicked > one.opened for one in found)
    assert all(one.reply.startswith("Hi,\n\n") for one in found if one.reply)
