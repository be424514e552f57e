"""Redaction: which values are found, what stands for them, and how long it takes."""

import json
import re
from ipaddress import ip_address
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.synthesizer.adapters.formats import read_sources
from services.synthesizer.imports.model import Header, Problem
from services.synthesizer.imports.operations import Imports
from services.synthesizer.redaction.card import is_card
from services.synthesizer.redaction.kind import digits
from services.synthesizer.redaction.redactor import Redaction, Redactor

REDACTION = Redaction()


def redact(value: Any, *names: str) -> Any:
    return Redactor(REDACTION, names).redact(value)


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("Mail jane.doe+x@mail.example.co.uk.", "Mail user1@example.com."),
        ("<jane@x.org>, Jane@X.org or joe@x.org", "<user1@example.com>, user1@example.com or user2@example.com"),
        ("wait...jane@x.org mailto:jane@x.org", "wait...user1@example.com mailto:user1@example.com"),
        ("?to=jane%40x.org", "?to=user1%40example.com"),
        ("(206) 555-0123, 206-555-0123 or 206.555.0123", "(222) 555-0101, 222-555-0101 or 222.555.0101"),
        ("+1 (206) 555-0123 ext 4", "+1 (222) 555-0101 ext 4"),
        ("+49 171 5557788, 0049 171 5557788 and 0171/5557788", "+49 222 5550101, 0049 222 5550101 and 0222/5550101"),
        ("06 12 34 56 78", "02 25 55 01 01"),
        ("+49(0)171-5557788", "+49(0)222-5550101"),
        ("ich rufe Sie unter 015112345678 an", "ich rufe Sie unter 022225550101 an"),
        ("Ruf mich an 89901820", "Ruf mich an 25550101"),
        ("Sie erreichen mich auf der 89901820", "Sie erreichen mich auf der 25550101"),
        ("call me back: 89901820", "call me back: 25550101"),
        ("max(at)gmx.de, max [at] gmx [dot] de", "user1(at)example.com, user1 [at] example.com"),
        ("The phone of the inn is 2065550123, 01223350059", "The phone of the inn is 2225550101, 02225550102"),
        ("2065550123. Call me at 206 555 0123", "2225550101. Call me at 222 555 0101"),
        ("\u202a+49\u200b171\u00ad5557788\u202c", "\u202a+492225550101\u202c"),
        (
            "ｊａｎｅ＠ｘ．ｏｒｇ, ja\u200bne@x\u2060.org, jane@x。org",
            "user1@example.com, user1@example.com, user1@example.com",
        ),
        ("８４.２３.１７.２００ ＤＥ89370400440532013000", "198.18.0.1 DE09000000000000000001"),
        ("4929 1234 5678 9015 expires 12/27", "4900 0000 0000 0011 expires 12/27"),
        ("2 cards: 4929123456789015 123", "2 cards: 4900000000000011 123"),
        ("3782-822463-10005", "3700-000000-00010"),
        ("4929  1234  5678  9015, 3782  822463  10005", "4900  0000  0000  0011, 3700  000000  00028"),
        ("4929 - 1234 - 5678 - 9015, 4929/1234/5678/9015", "4900 - 0000 - 0000 - 0011, 4900/0000/0000/0011"),
        ("DE89  3704  0044  0532  0130  00", "DE09  0000  0000  0000  0000  01"),
        ("DE89 3704 0044 0532 0130 00 is mine", "DE09 0000 0000 0000 0000 01 is mine"),
        ("gb82west12345698765432", "GB49XXXX00000000000001"),
        ("from 84.23.17.200:8080", "from 198.18.0.1:8080"),
        ("from ::1234:5678", "from 2001:db8::1"),
        ("2a01:4f8:c17:b0f::2, 2A01:4F8:C17:B0F:0::2", "2001:db8::1, 2001:db8::1"),
        ("https://jo:pw@x.org/a?lang=en&token=abc#t", "https://token1@x.org/a?lang=en&token=token2#t"),
        ("x.org/a?b=1&sig=Zm9v", "x.org/a?b=1&sig=token1"),
        ("https://x.org/reset/4f9a8b7c6d5e4f3a2b1c", "https://x.org/reset/token1"),
    ],
)
def test_a_value_gets_a_pseudonym_of_its_kind_and_shape(text: str, redacted: str) -> None:
    assert redact(text) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "Order 3348917502, item 9690244451, #W4680753, 123-4567890-1234567, 1Z999AA10123456784",
        "2026-01-05 09:00, 05.01.2026 09:30, 01/25/2026 10:30, 2026-01-05T09:00:00+01:00, 20260105, 1767603600000",
        "$1,234,567.89, 1.234.567,89 EUR, 0.123456789, 1 000 000",
        "2021 - 2022 - 2023 - 2024, 05.01.2026 - 06.01.2026, 49.99  59.99  69.99  79.99",
        "version 10.0.19.2, v1.2.3.4, release 2.10.0.1, 1.2.3",
        "ISBN 978-3-16-148410-0, 12:30:45, 00:1A:2B:3C:4D:5E, std::vector, a::b, ::1, 127.0.0.1",
        "4929 1234 5678 9012, DE89 3704 0044 0532 0130 01",
        "https://x.org/blue-lamp-with-2-bulbs?order=7&page=2, @jane, jane@localhost, 7 @ 5.00",
        "Ich rufe an wegen der Bestellung 3348917502, ruf mich an wegen 3348917502; look at shop.example (at 9.am)",
        "My phone broke, and the order is 3348917502, 0021426180. contact 12",
        "ZIP 75227-1234, open 24/7, 0900-1700, 3 x 10 x 300 mm",
    ],
)
def test_orders_dates_prices_versions_and_wrong_check_digits_stay(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    ("question", "answer", "redacted"),
    [
        ("What is your phone number?", "2065550123", "2225550101"),
        ("Wie lautet Ihre Telefonnummer?", "89901820", "25550101"),
        ("Please give me the best number to reach you.", "it's 555 0199 1", "it's 255 5010 1"),
        ("And your e-mail?", "max at gmx dot de", "user1 at example.com"),
        ("Ihre E-Mail-Adresse bitte", "max ät gmx punkt de", "user1 ät example.com"),
        ("Please confirm the card number", "4929 1234 5678 9016", "4900 0000 0000 0011"),
        ("What is your order number?", "3348917502", "3348917502"),
        ("Your phone number or order number?", "Order ID: 3348917502", "Order ID: 3348917502"),
        ("We have your phone number. What is the order?", "3348917502", "3348917502"),
    ],
)
def test_the_answer_to_a_question_for_a_value_is_redacted_in_every_format(
    question: str, answer: str, redacted: str
) -> None:
    assert redact([question, answer]) == [question, redacted]
    for said in (
        lambda text: {"role": "user", "content": text},
        lambda text: {"role": "user", "content": [{"type": "text", "text": text}]},
        lambda text: {"from": "human", "value": text},
        lambda text: {"user_message": {"text": text}},
    ):
        assert redact({"turns": [said(question), said("Moment."), said(answer)]})["turns"][2] == said(redacted)


def test_what_follows_the_answer_is_no_answer() -> None:
    texts = ["What is your phone number?", "2065550123", "I see the order 3348917502."]

    assert redact(texts) == ["What is your phone number?", "2225550101", "I see the order 3348917502."]


def test_names_of_speakers_are_found_as_they_are_written_in_texts() -> None:
    texts = ["Hi Jane, it is JANE DOE-Müller.", "will you? Ask Will: jane's", "The support team, 你好王伟，再见"]

    assert redact(texts, "Jane Doe-Müller", "Will", "Customer Support", "王伟") == [
        "Hi Robin, it is ROBIN ALEX-Sam.",
        "will you? Ask Kim: robin's",
        "The support team, 你好Jordan，再见",
    ]


def test_keys_numbers_and_json_within_texts_are_redacted() -> None:
    record = {
        "jane@x.org": [{"phone": 2065550123, "mobile": 2065550123.0, "order": 2065550199.0}],
        "total": 12.5,
        "more": None,
    }

    assert redact({"a": json.dumps({"b": json.dumps(record)}), "c": "2065550123"}) == {
        "a": json.dumps(
            {
                "b": json.dumps(
                    {
                        "user1@example.com": [{"phone": 2225550101, "mobile": 2225550101, "order": 2065550199.0}],
                        "total": 12.5,
                        "more": None,
                    }
                )
            }
        ),
        "c": "2225550101",
    }
    assert redact('{"a": "jane\\u0040x.org", "a": 1}') == '{"a": "user1\\u0040example.com", "a": 1}'


def test_members_whose_keys_are_two_spellings_of_a_value_are_both_kept() -> None:
    redacted = redact({"ann@x.org": 1, "ANN@x.org": 2, "name": 3, "Ann@x.org": 4})

    assert redacted == {"user1@example.com": 1, "user1@example.com 2": 2, "name": 3, "user1@example.com 3": 4}


def test_json_without_values_stays_as_it_was_written() -> None:
    assert redact('{"a":1.50 ,"a": [ ]}') == '{"a":1.50 ,"a": [ ]}'


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=5, unique=True))
def test_pseudonyms_are_valid_and_differ_as_their_values_do(numbers: list[int]) -> None:
    cards = [f"{499_000_000_000_000 + number}" for number in numbers]
    cards = [next(card + str(digit) for digit in range(10) if is_card(card + str(digit))) for card in cards]
    addresses = [f"84.{number >> 16}.{number >> 8 & 255}.{number & 255}" for number in numbers]

    redacted = redact([*cards, *addresses])

    assert len(set(redacted)) == len(redacted)
    assert not {*cards, *addresses} & {*redacted}
    assert all(is_card(digits(card)) for card in redacted[: len(cards)])
    assert all(ip_address(one).is_private for one in redacted[len(cards) :])


@pytest.mark.parametrize(
    ("redact_imports", "header", "redacted"),
    [
        (False, Header("openai", "", ""), False),
        (True, Header("openai", "", ""), True),
        (True, Header("openai", "", "", redact=False, patterns=(("a", "b"),)), False),
        (False, Header("openai", "", "", redact=True), True),
        (False, Header("openai", "", "", patterns=(("a", "b"),)), True),
    ],
)
def test_the_header_of_an_import_decides_before_the_setting_of_the_server(
    redact_imports: bool, header: Header, redacted: bool
) -> None:
    imports = Imports(cast(Any, None), cast(Any, None), (), redact=redact_imports)

    assert (imports.redaction(header) == Redaction(header.patterns)) is redacted


@pytest.mark.parametrize(
    "value",
    [
        {"phones": {"2065550123": {"kind": "home"}}},
        {"customers_by_phone": {"2065550123": 1}},
        {"phoneNumber": "2065550123"},
        {"resources": [{"type": "phone", "id": "2065550123", "data": {}}]},
        {"resources": [{"type": "customer", "id": "2065550123", "data": {"phone": "2065550123"}}]},
    ],
)
def test_the_key_of_an_object_and_the_type_of_a_resource_say_what_keys_and_ids_are(value: object) -> None:
    redacted = json.dumps(redact(value))
    assert "2065550123" not in redacted
    assert "2225550101" in redacted


def test_names_in_the_calls_and_results_of_tau2_star_and_own_conversations_get_pseudonyms() -> None:
    result = json.dumps({"user_id": "raj_santos_9079", "name": {"first_name": "Raj", "last_name": "Santos"}})
    said = [{"role": "user", "content": "Raj Santos here"}, {"role": "assistant", "content": "One moment, Raj."}]
    calls = [{"name": "get_user", "arguments": {"first_name": "Raj"}}]
    answered = [{"role": "assistant", "content": "", "tool_calls": calls}, {"role": "tool", "content": result}]
    query = {"role": "agent", "action": "query", "t": 1, "api": "book", "args": [{"CustomerName": '"Angela"'}]}
    turns = [query, {"role": "user", "action": "utter", "t": 2, "text": "I am Angela, by the way"}]
    resource = {"type": "customer", "id": "1", "data": {"first_name": "Ann", "last_name": "Lee"}}
    for form, record, real in (
        ("tau2", {"id": "1", "domain": "retail", "task_id": "1", "messages": [*said, *answered]}, "raj|santos"),
        ("star", {"id": "1", "tasks": ["book"], "start_unix": 1, "turns": turns}, "angela"),
        (
            "greenroom",
            {"external_id": "1", "events": [{"user_message": {"text": "It is Ann Lee"}}], "resources": [resource]},
            "ann|lee",
        ),
    ):
        [read] = read_sources(form, [json.dumps(record).encode()], REDACTION)
        assert not isinstance(read, Problem)
        assert re.search(rf"\b(?:{real})", repr(read).replace("_", " "), re.IGNORECASE) is None
        assert read.redacted["name"] >= 2
