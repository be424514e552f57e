"""SMS segments, against the published tables of 3GPP TS 23.038 written out here."""

import random

import pytest

from shared.model.campaigns.segments import Encoding, segments

# Table 6.2.1, by code 0x00 to 0x7F, as code points; 0x1B is the escape.
_BASIC = [
    *(0x40, 0xA3, 0x24, 0xA5, 0xE8, 0xE9, 0xF9, 0xEC, 0xF2, 0xC7, 0x0A, 0xD8, 0xF8, 0x0D, 0xC5, 0xE5),
    *(0x394, 0x5F, 0x3A6, 0x393, 0x39B, 0x3A9, 0x3A0, 0x3A8, 0x3A3, 0x398, 0x39E, None, 0xC6, 0xE6, 0xDF, 0xC9),
    *(0x20, 0x21, 0x22, 0x23, 0xA4, *range(0x25, 0x40)),
    *(0xA1, *range(0x41, 0x5B), 0xC4, 0xD6, 0xD1, 0xDC, 0xA7),
    *(0xBF, *range(0x61, 0x7B), 0xE4, 0xF6, 0xF1, 0xFC, 0xE0),
]
# Table 6.2.1.1: form feed ^ { } \ [ ~ ] | €
_EXTENSION = [0x0C, 0x5E, 0x7B, 0x7D, 0x5C, 0x5B, 0x7E, 0x5D, 0x7C, 0x20AC]
_OTHERS = "’“”…–ÁçêЖ中한😀👩‍👧🇩🇪\t`\u200d"


def _by_the_table(text: str) -> tuple[Encoding, int, int]:
    """The encoding, units and segments, by cutting the encoded text; e is the first half of a pair."""
    codes = [ord(one) for one in text]
    if all(code in _BASIC or code in _EXTENSION for code in codes):
        encoding, one, each = Encoding.GSM_7, 160, 153
        units = "".join("e2" if code in _EXTENSION else "1" for code in codes)
    else:
        encoding, one, each = Encoding.UCS_2, 70, 67
        pairs = text.encode("utf-16-be", "surrogatepass")
        units = "".join("e" if 0xD8 <= high <= 0xDB else "1" for high in pairs[::2])
    if len(units) <= one:
        return encoding, len(units), 1 if units else 0
    rest, cut = units, 0
    while rest:
        end = each - 1 if rest[each - 1 : each] == "e" else each
        rest, cut = rest[end:], cut + 1
    return encoding, len(units), cut


def test_ten_thousand_random_texts_are_counted_as_the_published_table_says() -> None:
    assert len(_BASIC) == 128
    dice = random.Random(17)
    basic = "".join(chr(code) for code in _BASIC if code is not None)
    extension = "".join(map(chr, _EXTENSION))
    alphabets = [basic, extension, basic * 5 + extension, basic * 20 + _OTHERS, _OTHERS, basic + extension * 3 + "😀"]
    lengths = [0, 1, 66, 67, 68, 69, 70, 71, 134, 135, 152, 153, 154, 159, 160, 161, 305, 306, 307, 400]
    for _ in range(10_000):
        length = dice.choice(lengths) if dice.random() < 0.6 else dice.randrange(500)
        text = "".join(dice.choices(dice.choice(alphabets), k=length))
        found = segments(text)
        assert (found.encoding, found.units, found.count) == _by_the_table(text), text


@pytest.mark.parametrize(
    ("text", "encoding", "units", "count"),
    [
        ("a" * 160, Encoding.GSM_7, 160, 1),
        ("a" * 161, Encoding.GSM_7, 161, 2),
        ("a" * 152 + "€" + "a" * 7, Encoding.GSM_7, 161, 2),
        ("a" * 152 + "€" + "a" * 152, Encoding.GSM_7, 306, 3),
        ("’" * 70, Encoding.UCS_2, 70, 1),
        ("’" + "a" * 70, Encoding.UCS_2, 71, 2),
        ("a" * 66 + "😀" + "a" * 66, Encoding.UCS_2, 134, 3),
        ("", Encoding.GSM_7, 0, 0),
    ],
)
def test_pairs_are_not_split_between_segments(text: str, encoding: Encoding, units: int, count: int) -> None:
    found = segments(text)
    assert (found.encoding, found.units, found.count) == (encoding, units, count)


def test_the_characters_that_force_ucs_2_are_named() -> None:
    assert segments("It’s 50 % off… it’s now").forcing == ["’", "…"]
