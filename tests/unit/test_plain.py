"""Text from outside becomes one line that is safe to store and to print."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.plain import plain, visible


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("two\r\nlines\tand  tabs ", "two lines and tabs"),
        ("\x1b[1;31mred\x1b[0m \x1b[2J\x1b[H", "red"),
        ("\x1b]0;title\x07a\x1b]52;c;AAAA\x1b\\b\x9d0;t\x9cc", "abc"),
        ("\x1bPq#0\x1b\\a\x1bcb\x1b(Bc\x1b", "abc"),
        ("a\0b\x7fc\x85d\ud800e\u202ef", "a�b�c d�e�f"),
        ("Grüße, 日本語, عربى, 👩‍👩‍👧", "Grüße, 日本語, عربى, 👩‍👩‍👧"),
        ("x" * 31, "x" * 29 + "…"),
    ],
)
def test_lines_join_and_escapes_go_and_the_rest_stays(text: str, line: str) -> None:
    assert plain(text, 30) == line


@given(st.text(st.characters(codec=None), max_size=300), st.integers(1, 100))
def test_any_text_becomes_printable_utf_8_within_its_length(text: str, most: int) -> None:
    line = plain(text, most)

    assert len(line) <= most
    assert line.encode().decode() == line
    assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in line)


def test_control_characters_become_visible_and_lines_stay() -> None:
    assert visible("a\tb\n\x1b[2J\x9b\u202eGrüße") == "a\tb\n\\u001b[2J\\u009b\\u202eGrüße"


@given(st.text(st.characters(codec=None), max_size=300))
def test_json_with_visible_control_characters_means_the_same(text: str) -> None:
    assert json.loads(visible(json.dumps(text, ensure_ascii=False))) == text
