"""The page about rules says what is true."""

import re
from pathlib import Path

from shared.rules.functions import FOLDS, FUNCTIONS
from shared.rules.parser import KEYWORDS
from tests.unit.rules.business import compiled, problems

PAGE = (Path(__file__).parents[3] / "docs" / "rules.md").read_text()


def test_every_rule_on_the_page_is_right() -> None:
    rules = "".join(re.findall(r"```rules\n(.*?)```", PAGE, re.DOTALL)).splitlines()
    assert [compiled(rule).text for rule in rules] == rules
    assert len(rules) > 5


def test_every_wrong_rule_on_the_page_gets_the_sentences_that_it_says() -> None:
    (block,) = re.findall(r"```problems\n(.*?)```", PAGE, re.DOTALL)
    shown = re.findall(r"^(\S.*)\n((?:  .*\n)+)", block, re.MULTILINE)
    assert len(shown) > 5
    for source, said in shown:
        assert problems(source) == [line.strip() for line in said.splitlines()]


def test_the_page_names_every_function_and_word() -> None:
    assert {name for name in (*FUNCTIONS, *FOLDS) if f"`{name}(" not in PAGE and f"`{name}`" not in PAGE} == set()
    (words,) = re.findall(r"The words are `([a-z ]+)`", PAGE)
    assert set(words.split()) == KEYWORDS
