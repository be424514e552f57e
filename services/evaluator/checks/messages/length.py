"""How long a message is, in what it is sent, and how hard to read."""

import re
from collections.abc import Iterator

from services.evaluator.checks.messages.message import Message
from services.evaluator.checks.model import Issue, Severity
from shared.model.campaigns.model import Channel
from shared.model.campaigns.segments import BASIC, Encoding, segments
from shared.words import counted

MANY_SEGMENTS = 3
"""More segments than these are a warning."""
LONGEST_SMS = 1_600
"""The most characters of an SMS that gateways take."""
CLIPPED = 102_000
"""Bytes beyond which Gmail hides the rest of an e-mail."""
LONG_SUBJECT = 78
"""Characters of a subject: RFC 5322's line."""
HARD = 30.0
"""Flesch's reading ease below which a text is hard: that of academic papers."""
_LEAST_WORDS = 60
_PLAIN = {"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "\xa0": " ", "\t": " "}
_WORD = re.compile(r"[A-Za-z]+(?:'[a-z]+)?")
_SENTENCE = re.compile(r"[.!?:]+(?:\s|$)|\n\s*\n|\n\s*[-*•]")
_VOWELS = re.compile(r"[aeiouy]+")


def length_issues(step: str, message: Message) -> Iterator[Issue]:
    """What of its length costs money, is cut off, or is hard to read."""
    if not message.text.strip() and not message.images:
        yield Issue(Severity.ERROR, "empty_message", step, "The message has no text.", "Write what it should say.")
        return
    yield from _sms(step, message.text) if message.channel is Channel.SMS else _email(step, message)
    ease = reading_ease(message.text)
    if ease is not None and ease < HARD:
        yield Issue(
            Severity.INFO,
            "hard_to_read",
            step,
            f"Its reading ease is {max(0.0, ease):.0f} of 100, as of an academic paper.",
            "Use shorter sentences and words.",
        )


def reading_ease(text: str) -> float | None:
    """Flesch's reading ease (1948), for English; None if the text is too short to say."""
    words = _WORD.findall(re.sub(r"https?://\S+|www\.\S+", "", text))
    if len(words) < _LEAST_WORDS:
        return None
    sentences = sum(1 for one in _SENTENCE.split(text) if _WORD.search(one))
    return 206.835 - 1.015 * len(words) / sentences - 84.6 * sum(map(_syllables, words)) / len(words)


def _syllables(word: str) -> int:
    lowered = word.lower()
    silent = lowered.endswith("e") and not lowered.endswith(("le", "ee"))
    return max(1, len(_VOWELS.findall(lowered)) - silent)


def _sms(step: str, text: str) -> Iterator[Issue]:
    if len(text) > LONGEST_SMS:
        yield Issue(
            Severity.ERROR,
            "message_length",
            step,
            f"The SMS has {len(text):,} characters; gateways refuse more than {LONGEST_SMS:,}.",
            "Shorten it, or send an e-mail.",
        )
    sent = segments(text)
    if sent.count > 1:
        yield Issue(
            Severity.WARNING if sent.count > MANY_SEGMENTS else Severity.INFO,
            "sms_segments",
            step,
            f"It is sent and paid as {sent.count} SMS: {sent.units} units of {sent.encoding.replace('_', '-')}.",
            "Shorten it to 160 characters, or 70 with characters such as emoji.",
        )
    plain = "".join(_PLAIN.get(one, one) for one in text)
    if sent.encoding is Encoding.UCS_2 and (fewer := segments(plain)).count < sent.count:
        forcing = [one for one in sent.forcing if one in _PLAIN]
        yield Issue(
            Severity.WARNING,
            "sms_encoding",
            step,
            f"{' '.join(forcing)} in the text make{'s' if len(forcing) == 1 else ''} it {sent.count} SMS instead of "
            f"{fewer.count}.",
            f"Write {' '.join(_PLAIN[one] for one in forcing if _PLAIN[one] in BASIC or len(_PLAIN[one]) > 1)}.",
        )


def _email(step: str, message: Message) -> Iterator[Issue]:
    if not message.subject.strip():
        yield Issue(Severity.WARNING, "empty_subject", step, "The e-mail has no subject.", "Say what it is about.")
    elif len(message.subject) > LONG_SUBJECT:
        yield Issue(
            Severity.INFO,
            "long_subject",
            step,
            f"The subject has {counted(len(message.subject), 'character')}; phones show about 40.",
            "Say the most important thing first, in up to 40 characters.",
        )
    size = len(message.body.encode(errors="replace"))
    if size > CLIPPED:
        yield Issue(
            Severity.WARNING,
            "message_length",
            step,
            f"The e-mail has {size:,} bytes; Gmail hides what follows {CLIPPED:,}, often with the opt-out.",
            "Shorten it.",
        )
