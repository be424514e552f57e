"""What checks say of messages: a sound campaign is clean, and each planted fault is found at its step."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from services.evaluator.checks.messages.checking import message_issues
from services.evaluator.checks.messages.length import reading_ease
from services.evaluator.checks.messages.message import Message
from services.evaluator.checks.messages.spam import spam_risk
from services.evaluator.checks.model import Issue, Severity
from shared.model.campaigns.model import Action, Campaign, Channel, Field, SendEmail, Sender, SendSms, Step
from shared.model.campaigns.segments import segments

ONE_CLICK = {
    "List-Unsubscribe": "<{{ unsubscribe_url }}>",
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
}
SMS = SendSms("Hi {{ contact.first_name | default: 'there' }}, this is Blue Door Dental. Reply STOP to opt out.")
EMAIL = SendEmail(
    "Your appointment on {{ contact.day | default: 'Friday' }}",
    '<p>Hello {{ contact.first_name | default: "there" }},</p><p>we look forward to seeing you. '
    '<a href="https://bluedoor.example/visit">Plan your visit</a>.</p>'
    '<p>{{ sender.address }} · <a href="{{ unsubscribe_url }}">Unsubscribe</a></p>',
    ONE_CLICK,
)
SOUND = Campaign(
    "Reminder",
    (Step("text", SMS, "mail"), Step("mail", EMAIL)),
    sender=Sender("Blue Door Dental", "+15550100", "hello@bluedoor.example", "12 Harbour Lane, Springfield, IL 62701"),
    contact=(Field("first_name"), Field("day")),
)


def sms(more: str) -> SendSms:
    """The sound SMS with more text before its opt-out."""
    return SendSms(SMS.body.replace("Reply", f"{more} Reply"))


def email(more: str, subject: str = EMAIL.subject) -> SendEmail:
    """The sound e-mail with more text before its foot."""
    return replace(EMAIL, subject=subject, body=EMAIL.body.replace("<p>{{ sender", f"<p>{more}</p><p>{{{{ sender"))


def found(action: Action) -> Sequence[Issue]:
    """The issues of the sound campaign with one of its steps replaced."""
    step = "text" if isinstance(action, SendSms) else "mail"
    steps = tuple(replace(one, action=action) if one.id == step else one for one in SOUND.steps)
    issues = [*message_issues(replace(SOUND, steps=steps))]
    assert all(issue.step == step for issue in issues)
    return issues


def test_a_sound_campaign_has_no_issue() -> None:
    assert [*message_issues(SOUND)] == []


SPAM = "WINNER!! You have won a £1,000 prize. Claim now, call 09061234567, 150p/min. Txt WIN to 80085, T&Cs apply."


@pytest.mark.parametrize(
    ("action", "type_", "said"),
    [
        (sms(SPAM), "spam_risk", "PREMIUM_RATE_NUMBER (+3.5)"),
        (email("ORDER NOW", "FREE MONEY!!! You have won $1,000,000"), "spam_risk", "YOU_HAVE_WON"),
        (sms("You owe us money. Pay up or else."), "tone_issue", "sounds aggressive"),
        (sms("THIS OFFER ENDS TODAY!"), "tone_issue", "It shouts"),
        (sms("Final notice: act now, before it’s too late."), "tone_issue", "press for time"),
        (sms("x" * 100), "sms_segments", "as 2 SMS"),
        (sms("We’ll see you at our new office by the harbour"), "sms_encoding", "’ in the text makes it 2 SMS"),
        (sms("x" * 1_600), "message_length", "gateways refuse"),
        (SendSms("Hi, this is Blue Door Dental."), "missing_opt_out", "does not say how to opt out"),
        (replace(EMAIL, body="See you soon. {{ sender.address }}"), "missing_opt_out", "how to unsubscribe"),
        (replace(EMAIL, headers={}), "missing_one_click_unsubscribe", "no header `List-Unsubscribe`"),
        (
            replace(EMAIL, headers={**ONE_CLICK, "List-Unsubscribe": "<mailto:out@bluedoor.example>"}),
            "missing_one_click_unsubscribe",
            "no https address",
        ),
        (
            replace(EMAIL, headers={"list-unsubscribe": "<https://bluedoor.example/out>"}),
            "missing_one_click_unsubscribe",
            "`List-Unsubscribe-Post`",
        ),
        (replace(EMAIL, body="See you. {{ unsubscribe_url }}"), "missing_postal_address", "no postal address"),
        (sms("{{ contact.frist_name }}"), "unknown_merge_field", "did you mean `first_name`"),
        (sms("{{ contact.city | default: 'town' }}"), "unknown_merge_field", "always the default"),
        (sms("{{ first_name }}"), "unknown_merge_field", "`first_name`"),
        (sms("See you on {{ contact.day }}."), "unresolved_merge_field", "a gap for contacts without `day`"),
        (email("Dear *|FNAME|*"), "unresolved_merge_field", "`*|FNAME|*`"),
        (email("Dear {first_name}"), "unresolved_merge_field", "`{first_name}`"),
        (sms("{{ contact.day | nonsense }}"), "bad_template", "nonsense"),
        (sms("{% for i in (1..1000) %}{% for j in (1..1000) %}x{% endfor %}{% endfor %}"), "bad_template", "."),
        (sms("https://bit.ly/3abc"), "link_shortener", "`bit.ly`"),
        (sms("http://bluedoor.example/a"), "plain_http_link", "not encrypted"),
        (email('<a href="https://203.0.113.7/x">here</a>'), "numeric_link", "a number"),
        (email('<a href="https://evil.example/x">www.bluedoor.example</a>'), "misleading_link", "names `www.bluedoor"),
        (email('<a href="">here</a>'), "broken_link", "leads nowhere"),
        (replace(EMAIL, subject=""), "empty_subject", "no subject"),
        (replace(EMAIL, subject="An appointment " * 6), "long_subject", "90 characters"),
        (SendSms("{{ reply }}"), "empty_message", "no text"),
        (email("x" * 103_000), "message_length", "Gmail hides"),
        (
            email("Notwithstanding institutional considerations, organizational representatives " * 9),
            "hard_to_read",
            "academic",
        ),
    ],
)
def test_each_planted_fault_is_found_with_its_words(action: Action, type_: str, said: str) -> None:
    issues = found(action)
    assert any(issue.type == type_ and said in issue.sentence and issue.fix for issue in issues), issues


@pytest.mark.parametrize(
    "action",
    [
        sms("Get 20% off and 30% more."),
        sms("Your code is 482910."),
        SendSms("Hello from Blue Door Dental, back on Monday. Text STOP to end."),
        email('<a href="https://click.bluedoor.example/x">bluedoor.example</a>'),
        email('<a href="tel:+15550100">+1 555 0100</a>'),
        replace(EMAIL, body=EMAIL.body.replace("{{ sender.address }}", "Blue Door, PO Box 12, Springfield")),
    ],
)
def test_what_looks_like_a_fault_and_is_none_is_not_reported(action: Action) -> None:
    assert found(action) == []


def test_only_the_first_sms_must_say_how_to_opt_out() -> None:
    steps = (SOUND.steps[0], Step("later", SendSms("See you tomorrow.")))
    assert [*message_issues(replace(SOUND, steps=steps))] == []
    skipped = replace(SOUND, steps=steps, start="later")
    assert [issue.step for issue in message_issues(skipped) if issue.type == "missing_opt_out"] == ["later"]


def test_segments_are_counted_after_rendering_with_the_longest_declared_value() -> None:
    contact = Field("plan", values=("basic", "x" * 120))
    campaign = replace(SOUND, contact=(*SOUND.contact, contact), steps=(Step("text", sms("{{ contact.plan }}")),))
    assert [issue.type for issue in message_issues(campaign) if issue.severity is Severity.INFO] == ["sms_segments"]
    assert segments(sms("{{ contact.plan }}").body).count == 1


def test_a_spam_risk_is_the_sum_of_its_rules() -> None:
    found = spam_risk(Message(Channel.SMS, SPAM))
    points = sum(hit.points for hit in found.hits)
    assert found.risk == pytest.approx(100 * (1 - 0.3 ** (points / 5)), abs=0.01)
    assert found.risk > 90
    assert spam_risk(Message(Channel.SMS, "see you at 5, love")).risk == 0


def test_reading_ease_is_flesch_s() -> None:
    """The sentence about the cat has an ease of 116: one syllable a word, six words."""
    assert reading_ease("The cat sat on the mat. " * 12) == pytest.approx(206.835 - 1.015 * 6 - 84.6, abs=0.01)


def test_hostile_messages_are_checked_within_a_second() -> None:
    hostile = [
        "<a href='x" * 5_000,
        "{" * 20_000,
        "A " * 25_000,
        "http://" * 8_000,
        "<p>" * 20_000,
        "1 A" * 15_000,
        "&#" * 9_000,
    ]
    for text in hostile:
        found(email(text.replace("{{", "{ {")))
