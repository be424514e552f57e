"""Builds HTML: everything that is not markup already is text, and text is escaped in one place."""

from collections.abc import Iterable
from html import escape

from shared.plain import visible

_VOID = frozenset({"br", "meta"})


class Markup(str):
    """Text that is HTML. Only this module makes it from other text."""

    __slots__ = ()


NOTHING = Markup("")


def text(value: str) -> Markup:
    """Any text as HTML that shows it. Characters that control terminals are shown as `\\u001b` and so on."""
    return Markup(escape(visible(value)))


def element(tag: str, /, *children: str, **attributes: str | bool) -> Markup:
    """An element. Children that are no Markup are text.

    attributes: `class_` for `class`, `_` for `-`; True for an attribute without a value, False or "" for none.
    """
    given = "".join(_attribute(key, value) for key, value in attributes.items() if value is not False and value != "")
    opened = f"<{tag}{given}>"
    return Markup(opened if tag in _VOID else f"{opened}{joined(children)}</{tag}>")


def joined(parts: Iterable[str]) -> Markup:
    """The parts one after the other. Those that are no Markup are text."""
    return Markup("".join(part if isinstance(part, Markup) else text(part) for part in parts))


def style(css: str) -> Markup:
    """A style element with our own rules, which must not hold `</`."""
    return Markup(f"<style>{css}</style>")


def _attribute(key: str, value: str | bool) -> str:
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{text(str(value))}"'
