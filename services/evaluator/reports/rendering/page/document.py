"""An HTML document with our own styles and nothing else: it needs no script and no other file."""

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files

from services.evaluator.reports.rendering.page.markup import Markup, element, style

_CSS = files(__package__).joinpath("style.css").read_text(encoding="utf-8")
_ALLOWED = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; "
    f"style-src 'sha256-{b64encode(sha256(_CSS.encode()).digest()).decode()}'"
)
"""The content security policy: nothing but our own styles."""


def document(title: str, accent: str, *parts: Markup) -> str:
    """The document. accent: the class of its colour, such as `good`."""
    metas = [
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_ALLOWED),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
    ]
    head = element("head", *metas, element("title", title), style(_CSS))
    body = element("body", element("main", *parts), class_=accent)
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"
