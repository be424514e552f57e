"""Writes YAML files with comments."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import yaml

from shared.plain import plain, visible
from shared.yaml import BadYaml, load

Path = tuple[str | int, ...]
"""Where a value is: the keys and indexes that lead to it."""
Comments = dict[Path, str]
_COMMENT, _WIDTH = 1_000, 100
"""The most characters of a line of a comment, and of a list on one line."""


def document(value: Mapping[str, Any], comments: Comments, head: str) -> str:
    """A YAML document.

    comments: each follows the key, or the first key of the item, at its path. head: the lines of the first comment.
    """
    lines = [f"# {plain(line, _COMMENT)}" for line in head.splitlines()] + list(_Writer(comments).mapping(value, ()))
    return "\n".join(lines) + "\n"


class _Writer:
    def __init__(self, comments: Comments) -> None:
        self._comments = comments

    def mapping(self, value: Mapping[str, Any], path: Path) -> Iterator[str]:
        for key, member in value.items():
            place = (*path, key)
            yield from self._entry(f"{_scalar(key)}:", member, place)

    def _entry(self, key: str, value: Any, path: Path) -> Iterator[str]:
        comment = self._comment(path)
        if isinstance(value, str) and (block := _block(value)) is not None:
            yield f"{key} {block[0]}{comment}"
            yield from block[1:]
        elif (flat := _flat(value)) is not None:
            yield f"{key} {flat}{comment}"
        elif isinstance(value, Mapping):
            yield f"{key}{comment}"
            yield from _indented(self.mapping(value, path))
        else:
            yield f"{key}{comment}"
            yield from _indented(self._items(value, path))

    def _items(self, items: Sequence[Any], path: Path) -> Iterator[str]:
        for number, item in enumerate(items):
            yield from self._item(item, (*path, number))

    def _item(self, value: Any, path: Path) -> Iterator[str]:
        if (flat := _flat(value)) is not None:
            yield f"- {flat}"
        elif isinstance(value, Mapping):
            first, *rest = self.mapping(value, path)
            comment = self._comment(path)
            yield f"- {first}{comment}"
            yield from _indented(rest)
        else:
            yield "-"
            yield from _indented(self._items(value, path))

    def _comment(self, path: Path) -> str:
        return f"  # {plain(self._comments[path], _COMMENT)}" if path in self._comments else ""


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"  {line}" if line else "" for line in lines)


def _flat(value: Any) -> str | None:
    """A scalar, an empty value or a short list of scalars on one line; None for others."""
    if isinstance(value, Mapping):
        return None if value else "{}"
    if not isinstance(value, list):
        return _scalar(value)
    if any(isinstance(item, list | Mapping) or _is_quoted(item) for item in value):
        return None
    line = yaml.safe_dump(value, default_flow_style=True, width=float("inf"), allow_unicode=True).removesuffix("\n")
    return line if len(line) <= _WIDTH else None


def _scalar(value: Any) -> str:
    text = yaml.safe_dump(
        value, default_style='"' if _is_quoted(value) else None, width=float("inf"), allow_unicode=True
    )
    return text.removesuffix("...\n").removesuffix("\n")


def _is_quoted(value: Any) -> bool:
    """True for a text with line breaks, or with characters that would control a terminal."""
    return isinstance(value, str) and (len(value.splitlines()) > 1 or value[-1:].isspace() or visible(value) != value)


def _block(text: str) -> list[str] | None:
    """A text of several lines as a literal block, its indicator first; None if it cannot be written like that."""
    if "\n" not in text or visible(text) != text:
        return None
    kept = text.rstrip("\n")
    ends = len(text) - len(kept)
    lines = [f"|{'-' if ends == 0 else '' if ends == 1 else '+'}"]
    lines += [*_indented(kept.split("\n")), *[""] * max(ends - 1, 0)]
    try:
        same = load("\n".join(["a: " + lines[0], *lines[1:], ""]), "a") == {"a": text}
    except BadYaml:
        return None
    return lines if same else None
