"""An HTML document with our own styles and nothing else: it needs no script and no other file."""

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files

from services.evaluator.reports.rendering.page.markup import Markup, element, style

_CSS = files(__package__).joinpath("style.css").read_text(encoding="utf-8")


def document(title: str, accent: str, *parts: Markup, more_css: str = "") -> str:
    """The document. accent: the class of its colour, such as `good`. more_css: rules after style.css; see `style`."""
    css = _CSS + more_css
    # The content security policy allows nothing but our own styles.
    digest = b64encode(sha256(css.encode()).digest()).decode()
    allowed = f"default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-{digest}'"
    metas = [
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=allowed),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
    ]
    head = element("head", *metas, element("title", title), style(css))
    body = element("body", element("main", *parts), class_=accent)
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"
