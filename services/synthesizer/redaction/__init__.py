"""Redaction: personal data in conversations gets pseudonyms. A pure library.

A kind of value is one file here and one line in `KINDS`.
"""

from collections.abc import Sequence

from services.synthesizer.redaction.card import CARD
from services.synthesizer.redaction.email import EMAIL
from services.synthesizer.redaction.iban import IBAN
from services.synthesizer.redaction.ip import IP
from services.synthesizer.redaction.kind import Kind
from services.synthesizer.redaction.phone import PHONE
from services.synthesizer.redaction.url import URL

KINDS: Sequence[Kind] = (URL, EMAIL, IBAN, CARD, IP, PHONE)
"""Where values of two kinds overlap, the kind that is earlier here is taken."""
