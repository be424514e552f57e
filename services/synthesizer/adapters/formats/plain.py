"""Reads chats that are nothing but texts, all messages at once: that takes a tenth of the time of one by one.

Most chats of an export are plain. One that is not, or has anything wrong with it, is left to the reader of its format.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from operator import itemgetter
from typing import NamedTuple

from services.synthesizer.adapters.formats.chats import IDS, LONGEST, digest_of, external_id, instructed
from services.synthesizer.adapters.formats.fields import Fields
from services.synthesizer.adapters.formats.records import SourceRecord
from services.synthesizer.sources.transcripts import Speaker, Texts, filled, gaps
from shared.model.events import Json, quoted

MOST = 100
"""Messages of a plain chat."""


class _Pattern(NamedTuple):
    """What chats with the same roles have in common. line: as `digest` reads it, `filled` with the texts."""

    speakers: tuple[Speaker, ...]
    line: list[str]


class PlainChats:
    """Reads the plain chats of a format.

    messages: the member of a line that has them. role, text: the two members of a message. speakers: by role; None says
    that the text is the system's.
    """

    def __init__(self, messages: str, role: str, text: str, speakers: Mapping[str, Speaker | None]) -> None:
        self._members = {messages, *IDS}
        self._messages = messages
        self._role, self._role_of = role, itemgetter(role)
        self._text, self._text_of = text, itemgetter(text)
        self._speakers = speakers
        self._pattern = lru_cache(maxsize=256)(self._pattern_of)

    def source(self, record: Mapping[str, Json], line: int) -> SourceRecord | None:
        """The chat on a line; None if it is not plain. Raises BadLine."""
        messages = record.get(self._messages)
        if not record.keys() <= self._members or not isinstance(messages, list) or not 0 < len(messages) <= MOST:
            return None
        try:
            texts = list(map(self._text_of, messages))
            pattern = self._pattern(tuple(map(self._role_of, messages)))
            all_texts = "".join(texts)
        except (KeyError, TypeError):  # not an object, or no such member, or a role that is a list, or no text
            return None
        if pattern is None or sum(map(len, messages)) > 2 * len(messages):
            return None
        if "\0" in all_texts or not all(map(str.strip, texts)):
            return None  # `chats.said` says why
        if len(all_texts) > LONGEST and max(map(len, texts)) > LONGEST:
            return None
        if (quotes := _quoted(texts, all_texts)) is None:
            return None
        first = len(texts) - len(pattern.speakers)
        procedure = instructed(texts[0]) if first else None
        return SourceRecord(
            external_id=external_id(Fields(record), IDS)
            if len(record) > 1
            else digest_of(filled(pattern.line, quotes.ascii)),
            finished=True,
            transcript=Texts(pattern.speakers, texts[first:], quotes.unicode[first:]),
            resources=(),
            procedure_external_id=procedure.external_id if procedure else "",
            line=line,
            procedure=procedure,
        )

    def _pattern_of(self, roles: Sequence[str]) -> _Pattern | None:
        """None if a role is unknown, or the system's after the beginning, or nobody speaks."""
        if not all(role in self._speakers for role in roles):
            return None
        speakers = [self._speakers[role] for role in roles]
        spoken = tuple(speaker for speaker in speakers if speaker is not None)
        if not spoken or None in speakers[1:]:
            return None
        messages = (sorted([f'"{self._role}": "{role}"', f'"{self._text}": %s']) for role in roles)
        line = ", ".join(f"{{{', '.join(members)}}}" for members in messages)
        return _Pattern(spoken, gaps(f'{{"{self._messages}": [{line}]}}'))


class _Quotes(NamedTuple):
    """Texts as JSON, in ASCII and in Unicode."""

    ascii: list[str]
    unicode: list[str]


def _quoted(texts: Sequence[str], all_texts: str) -> _Quotes | None:
    """None if one has half a surrogate pair."""
    in_ascii = list(map(encode_basestring_ascii, texts))
    if all_texts.isascii() and "\x7f" not in all_texts:
        return _Quotes(in_ascii, in_ascii)
    try:
        all_texts.encode()
    except UnicodeEncodeError:
        return None
    return _Quotes(in_ascii, list(map(quoted, texts)))
