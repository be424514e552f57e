"""SVG elements, colours and text sizes of the picture of a certificate."""

from collections.abc import Iterable
from html import escape

INK, MUTED, FAINT, PAPER = "#1b1f24", "#57606a", "#d8dee4", "#ffffff"
EMPTY = "#f6f8fa"
"""A cell of probability 0."""
GOOD, BAD = "#00688b", "#b84a00"
"""Blue and vermilion: distinguishable with every kind of colour blindness, and never the only sign."""
_RAMP = ("ffffd9", "edf8b1", "c7e9b4", "7fcdbb", "41b6c4", "1d91c0", "225ea8", "253494", "081d58")
"""ColorBrewer's YlGnBu: sequential, safe for colour blindness, and readable in grey."""
_CHARACTER = 0.54
"""The average width of a character, relative to its height."""


def tag(name: str, /, *children: str, **attributes: str | float) -> str:
    """An element. In names of attributes a trailing underscore is dropped, and others become hyphens."""
    given = "".join(f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"' for key, value in attributes.items())
    return f"<{name}{given}>{''.join(children)}</{name}>" if children else f"<{name}{given}/>"


def _value(value: str | float) -> str:
    return escape(value) if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")


def text(x: float, y: float, words: str, size: float = 12, fill: str = INK, **attributes: str | float) -> str:
    """Text with its baseline at y."""
    return tag("text", escape(words), x=x, y=y, font_size=size, fill=fill, **attributes)


def rectangle(x: float, y: float, width: float, height: float, fill: str, *children: str, **more: str | float) -> str:
    """A rectangle with its upper left corner at x, y."""
    return tag("rect", *children, x=x, y=y, width=width, height=height, fill=fill, **more)


def tooltip(words: str) -> str:
    """The tooltip of the parent element."""
    return tag("title", escape(words))


def line(x1: float, y1: float, x2: float, y2: float, stroke: str = FAINT, width: float = 1) -> str:
    """A straight line."""
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=stroke, stroke_width=width)


def path(points: Iterable[tuple[float, float]], close: bool = False, **attributes: str | float) -> str:
    """Straight lines from point to point."""
    drawn = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return tag("path", d=f"M{drawn}{'Z' if close else ''}", **attributes)


def width(words: str, size: float) -> float:
    """The approximate width of a text."""
    return len(words) * size * _CHARACTER


def shortened(words: str, most: int) -> str:
    """At most this many characters of words."""
    return words if len(words) <= most else f"{words[: most - 1]}…"


def wrapped(words: str, size: float, most: float) -> list[str]:
    """Words, wrapped to lines of about width `most`."""
    lines = [""]
    for word in words.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and width(longer, size) > most:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def shade(probability: float) -> str:
    """The colour of a probability, by its square root, so that small ones differ too."""
    place = min(1.0, max(0.0, probability)) ** 0.5 * (len(_RAMP) - 1)
    index = min(int(place), len(_RAMP) - 2)
    low, high = bytes.fromhex(_RAMP[index]), bytes.fromhex(_RAMP[index + 1])
    mixed = (round(a + (b - a) * (place - index)) for a, b in zip(low, high, strict=True))
    return "#" + "".join(f"{part:02x}" for part in mixed)


def on_shade(probability: float) -> str:
    """Black or white, with a contrast of 4.5 to the shade of a probability, as WCAG 2 requires."""
    return PAPER if probability >= 0.46 else "#000000"
