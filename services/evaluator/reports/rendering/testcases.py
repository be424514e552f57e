"""JUnit XML: test cases with what went wrong, from any text."""

from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from shared.plain import visible


def suite(name: str, cases: Sequence[str]) -> str:
    """A document with one suite. cases: as `case` makes them."""
    failures, errors = (sum(f"<{word} " in one for one in cases) for word in ("failure", "error"))
    counts = f'tests="{len(cases)}" failures="{failures}" errors="{errors}" skipped="0"'
    body = "".join(f"    {one}\n" for one in cases)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<testsuites {counts}>\n  <testsuite name={_quoted(name)} {counts}>\n{body}  </testsuite>\n</testsuites>\n"
    )


def case(group: str, name: str, inner: str) -> str:
    """A test case. inner: elements inside it."""
    return f"<testcase classname={_quoted(group)} name={_quoted(name)}>{inner}</testcase>"


def problem(word: str, message: str, kind: str, lines: Sequence[str]) -> str:
    """Why a case fails. word: `failure` or `error`."""
    text = _text("\n".join(lines))
    return f"<{word} message={_quoted(message)} type={_quoted(kind)}>{text}</{word}>"


def element(word: str, text: str) -> str:
    """An element with text, such as `system-out`."""
    return f"<{word}>{_text(text)}</{word}>"


def _text(text: str) -> str:
    # XML has no way to write most control characters.
    return escape(visible(text))


def _quoted(text: str) -> str:
    return quoteattr(visible(text))
