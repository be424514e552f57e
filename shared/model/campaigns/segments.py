"""How many SMS a text is sent as: GSM 03.38's seven-bit alphabet with its extension table, or else UCS-2."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The characters that take one septet."""
EXTENSION = frozenset("\f^{}\\[~]|€")
"""The characters that take two septets, an escape and a code."""


class Encoding(StrEnum):
    """How a text is encoded."""

    GSM_7 = "GSM_7"
    UCS_2 = "UCS_2"


_ONE = {Encoding.GSM_7: 160, Encoding.UCS_2: 70}
_EACH = {Encoding.GSM_7: 153, Encoding.UCS_2: 67}


@dataclass(frozen=True, slots=True)
class Segments:
    """How a text is sent.

    units: septets of GSM_7, or 16-bit units of UCS_2. count: the segments, 0 for an empty text.
    forcing: the characters that are not in GSM_7, in the order in which they first appear.
    """

    encoding: Encoding
    units: int
    count: int
    forcing: Sequence[str] = ()


def segments(text: str) -> Segments:
    """Count the segments. A character of two units is never split between two segments."""
    forcing = [*dict.fromkeys(one for one in text if one not in BASIC and one not in EXTENSION)]
    if forcing:
        encoding, sizes = Encoding.UCS_2, [2 if one > "\uffff" else 1 for one in text]
    else:
        encoding, sizes = Encoding.GSM_7, [2 if one in EXTENSION else 1 for one in text]
    units = sum(sizes)
    if units <= _ONE[encoding]:
        return Segments(encoding, units, min(1, units), forcing)
    count, free = 1, _EACH[encoding]
    for size in sizes:
        if size > free:
            count, free = count + 1, _EACH[encoding]
        free -= size
    return Segments(encoding, units, count, forcing)
