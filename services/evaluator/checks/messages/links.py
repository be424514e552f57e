"""Links that people or filters distrust."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from services.evaluator.checks.messages.message import Link, Message
from services.evaluator.checks.model import Issue, Severity

_SHORTENERS = frozenset(
    "bit.ly tinyurl.com goo.gl t.co ow.ly is.gd v.gd buff.ly cutt.ly rb.gy rebrand.ly shorturl.at tiny.cc bl.ink t.ly "
    "s.id lnkd.in fb.me dlvr.it adf.ly soo.gd clck.ru shorte.st bc.vc qr.ae trib.al".split()
)
_HOST = re.compile(r"(?:https?://)?((?:[a-z0-9-]+\.)+[a-z]{2,24})(?=[/:?#\s]|$)", re.IGNORECASE)
_NUMBER = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]+\]|\d{8,10}", re.IGNORECASE)
_SECOND_LEVEL = frozenset("co com org net gov ac edu ne or".split())


def link_issues(step: str, message: Message) -> Iterator[Issue]:
    """One issue for each kind of trouble and host."""
    yield from dict.fromkeys(issue for link in message.links for issue in _issues(step, link))


def _issues(step: str, link: Link) -> Iterator[Issue]:
    if not link.url or link.url == "#":
        shown = f"“{link.text[:60]}”" if link.text else "A link"
        yield Issue(Severity.ERROR, "broken_link", step, f"{shown} leads nowhere.", "Give it an https address.")
        return
    if link.url.lower().startswith(("mailto:", "tel:", "sms:", "#")):
        return
    host = _host(link.url)
    if host is None:
        shown = link.url[:80]
        yield Issue(
            Severity.ERROR, "broken_link", step, f"`{shown}` is not an address.", "Write a whole https address."
        )
        return
    if host in _SHORTENERS:
        yield Issue(
            Severity.WARNING,
            "link_shortener",
            step,
            f"`{host}` hides where the link leads; filters block shared shorteners.",
            "Link to your own domain.",
        )
    if link.url.lower().startswith("http://"):
        yield Issue(Severity.WARNING, "plain_http_link", step, f"The link to `{host}` is not encrypted.", "Use https.")
    if _NUMBER.fullmatch(host):
        yield Issue(
            Severity.WARNING,
            "numeric_link",
            step,
            f"The link leads to `{host}`, a number.",
            "Use the name of the host.",
        )
    if (named := _HOST.search(link.text)) and not _same(named[1].lower(), host):
        yield Issue(
            Severity.ERROR,
            "misleading_link",
            step,
            f"The text of a link names `{named[1].lower()}`, and it leads to `{host}`.",
            "Let the text name the host that it leads to, or no host.",
        )


def _host(url: str) -> str | None:
    try:
        return urlsplit(url if "://" in url else f"https://{url}").hostname
    except ValueError:
        return None


def _same(one: str, other: str) -> bool:
    """True if both hosts are of the same domain."""
    return _domain(one) == _domain(other)


def _domain(host: str) -> str:
    labels = host.removeprefix("www.").split(".")
    long = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL
    return ".".join(labels[-3 if long else -2 :])
