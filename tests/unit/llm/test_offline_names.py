"""Finding names in what people say: complete, and in any script."""

import pytest

from services.synthesizer.offline.names import name_in_reply, names_in

NAMES = (
    "José Núñez",
    "Łukasz Żółkowski",
    "Þórdís Ægisdóttir",
    "Nguyễn Thị Hương",
    "Jan van der Berg",
    "Ludwig van Beethoven",
    "María de la Cruz",
    "José María de la Vega y Ortega",
    "Khalid ibn Walid",
    "Shaun O'Neil",
    "D’Arcy O’Brien",
    "Amal Al-Sayed",
    "Fatima el-Zahra",
    "Jean-Luc Nuñez",
    "Ursula K. Le Guin",
    "St. John Rivers",
    "Иван Петров",
    "Γιώργος Παπαδόπουλος",
    "山田 太郎",
    "王小明",
    "김철수",
    "ジョン・スミス",
    "محمد الأحمد",
    "דוד כהן",
    "प्रिया शर्मा",
    "สมชาย ใจดี",
    "ნინო ბერიძე",
    "Bo Li",
    "Will Smith",
)
ONE_WORD_OR_MORE = (*NAMES, "Sukarno", "Björk", "Ng", "An Na", "My Linh", "Do Hyun")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "text",
    [
        "My name is {}.",
        "Hi, my name is {} and my lamp broke.",
        "Sure, it's {}",
        "{} and my account is 7F3K9Q2L",
        "Name: {}\nAccount ID: 7F3K9Q2L",
    ],
)
def test_a_name_is_found_whole(name: str, text: str) -> None:
    assert names_in(text.format(name)) == [name]


@pytest.mark.parametrize("name", ONE_WORD_OR_MORE)
@pytest.mark.parametrize("text", ["{}", "{}.", "Sure, it's {}", "Yes, {}. How long will it take?", "It's under {}."])
def test_a_reply_to_a_question_for_a_name_is_read_whole(name: str, text: str) -> None:
    assert name_in_reply(text.format(name)) == name


@pytest.mark.parametrize(("text", "name"), [("sanya afzal", "sanya afzal"), ("jan van der berg", "jan van der berg")])
def test_a_name_in_a_reply_may_be_in_small_letters(text: str, name: str) -> None:
    assert name_in_reply(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "I want to return my Michael Kors jacket",
        "In Progress",
        "New York",
        "I'm a Gold member",
        "My name is on the order",
        "Can you help?",
        "Will I get it?",
        "May I ask why?",
        "Thanks! Bye.",
    ],
)
def test_other_words_with_capitals_are_no_names(text: str) -> None:
    assert names_in(text) == []
