"""Which agent messages repeat an earlier one."""

import pytest

from shared.model.conversation import fold
from shared.model.events import AgentMessage, Event
from shared.model.repeats import repeats, words_of


def repeated(*texts: str) -> bool:
    """Whether the last of the texts repeats one of the others."""
    *earlier, last = map(words_of, texts)
    return repeats(last, earlier)


@pytest.mark.parametrize(
    "again",
    [
        "What is your order number?",
        "WHAT IS YOUR ORDER NUMBER?",
        "  What is\n your   order number ?",
        "What is your order number…",
        "Sorry, what is your order number?",
        "Your order number is… what?",
    ],
)
def test_a_message_is_a_repeat_whatever_its_case_spaces_and_punctuation_and_with_one_word_more(again: str) -> None:
    assert repeated("What is your order number?", "Thanks, one moment.", again)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("What is your order number?", "What is your email address?"),
        (
            "I have refunded order 17 to the card that you paid with.",
            "I have refunded order 18 to the card that you paid with.",
        ),
        ("Yes.", "No."),
        ("👍", "👎"),
        ("Thanks!", "Thanks! Now tell me how you would like to send it back, please."),
    ],
)
def test_a_message_that_tells_or_asks_something_else_is_no_repeat(first: str, second: str) -> None:
    assert not repeated(first, second)


@pytest.mark.parametrize("text", ["👍", "???", "您的订单号是多少?", "Какой у вас номер заказа?", "ما هو رقم طلبك؟"])
def test_a_message_in_any_script_or_without_words_repeats_itself(text: str) -> None:
    assert repeated(text, f" {text} ")


def test_copied_messages_are_not_counted_but_can_be_repeated() -> None:
    events = [Event("", seq, 0, 0, AgentMessage("How can I help?"), copied=seq < 3) for seq in (1, 2, 3)]

    assert fold(events).repeats == 1
