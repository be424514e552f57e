"""A message as checks read it, and the text and links of HTML."""

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from typing import NamedTuple

from shared.model.campaigns.model import Channel

LONGEST = 50_000
"""The most characters of a body that are read."""
_HTML = re.compile(r"<(?:!doctype html|html|body|head|table|div|p|br|a|img|span|h[1-6]|ul|center|font)\b[^<>]*>", re.I)
_SPACES = re.compile(r"[ \t\xa0\u200b\u200c\u034f\xad]+")
_BLANK_LINES = re.compile(r"(?: ?\n){3,}")
_BLOCKS = frozenset("p div br tr table h1 h2 h3 h4 h5 h6 li ul ol center hr blockquote section header footer".split())
_UNSEEN = frozenset(("script", "style", "head", "title", "template", "noscript"))
_URL = re.compile(r"\b(?:https?://|www\.)[^\s<>\"']+", re.I)
_TRAILING = ".,;:!?)]}'\""


class Link(NamedTuple):
    """A link: where it leads, and the text that people see; the text is the address itself in plain text."""

    url: str
    text: str


@dataclass(frozen=True)
class Message:
    """A message as it is sent: rendered, with the names of headers in any case."""

    channel: Channel
    body: str
    subject: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def header(self, name: str) -> str:
        """The value of the header; "" if there is none."""
        return next((value for key, value in self.headers.items() if key.casefold() == name.casefold()), "")

    @cached_property
    def is_html(self) -> bool:
        """True if the body is HTML, by its tags or its Content-Type."""
        if self.channel is Channel.SMS:
            return False
        return "text/html" in self.header("Content-Type").lower() or _HTML.search(self.body) is not None

    @cached_property
    def text(self) -> str:
        """What people read: the body without markup."""
        body = self.body[:LONGEST].encode(errors="replace").decode()
        if not self.is_html:
            return html.unescape(body) if "&" in body else body
        return self._page.text()

    @cached_property
    def links(self) -> Sequence[Link]:
        """The links, in order."""
        shown = [Link(url.rstrip(_TRAILING), url.rstrip(_TRAILING)) for url in _URL.findall(self.text)]
        return [*self._page.links, *shown] if self.is_html else shown

    @cached_property
    def images(self) -> int:
        """The images of HTML."""
        return self._page.images if self.is_html else 0

    @cached_property
    def _page(self) -> "_Page":
        page = _Page()
        page.feed(self.body[:LONGEST].encode(errors="replace").decode())
        page.close()
        return page


class _Page(HTMLParser):
    """Reads the text, links and images of HTML. Broken markup is text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[Link] = []
        self.images = 0
        self._parts: list[str] = []
        self._hidden = 0
        self._link: tuple[str, int] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN:
            self._hidden += 1
        elif tag in _BLOCKS:
            self._parts.append("\n")
        elif tag == "img":
            self.images += 1
        elif tag == "a":
            self._end_link()
            self._link = (dict(attrs).get("href") or "").strip(), len(self._parts)

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._hidden = max(0, self._hidden - 1)
        elif tag in _BLOCKS:
            self._parts.append("\n")
        elif tag == "a":
            self._end_link()

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._parts.append(data)

    def close(self) -> None:
        super().close()
        self._end_link()

    def text(self) -> str:
        return _BLANK_LINES.sub("\n\n", _SPACES.sub(" ", "".join(self._parts))).strip()

    def _end_link(self) -> None:
        if self._link is not None:
            url, start = self._link
            self.links.append(Link(url, " ".join("".join(self._parts[start:]).split())))
            self._link = None
