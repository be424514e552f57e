"""The only YAML loader. It is strict: bounded size, no tags, no aliases, no repeated keys."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from shared.errors import InvalidArgument
from shared.limits import MAX_YAML


class BadYaml(InvalidArgument):
    """{file} cannot be read: {why}."""

    reason = "BAD_YAML"


class _Loader(yaml.SafeLoader):
    """A safe loader that refuses aliases and repeated keys and keeps dates as text, as JSON does."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        # A few nested aliases can expand to billions of values.
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise _Refused(f"line {event.start_mark.line + 1} has the alias *{event.anchor}; write its value out")
        return super().compose_node(parent, index)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        where = f"line {key_node.start_mark.line + 1}"
        if not isinstance(key, str):
            raise _Refused(f"{where} has a key that is not text; quote it")
        if key in result:
            raise _Refused(f"{where} repeats the key `{key}`")
        result[key] = loader.construct_object(value_node, deep=True)
    return result


class _Refused(Exception):
    pass


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


class Scalars:
    """Reads scalars as `load` does."""

    def __init__(self) -> None:
        self._loader = _Loader("")

    def value(self, text: str, *, plain: bool) -> Any:
        """The JSON value of a scalar. plain: it has no quotes, so that it can be a number, true, false or null."""
        tag = self._loader.resolve(yaml.ScalarNode, text, (True, False)) if plain else ""  # type: ignore[no-untyped-call]
        if tag not in _NOT_TEXT:
            return text
        return self._loader.yaml_constructors[tag](self._loader, yaml.ScalarNode(tag, text))


_NOT_TEXT = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("bool", "float", "int", "null"))


def load(text: str | bytes, file: str) -> Any:
    """Parse one document into JSON values: mappings have text keys, dates stay text.

    file: the name to use in errors. Raises BadYaml for bad syntax, aliases, repeated keys, unknown tags and more than
    4 MiB.
    """
    if len(text) > MAX_YAML:
        raise BadYaml(file=file, why="it is larger than 4 MiB")
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - _Loader is a SafeLoader
    except _Refused as refused:
        raise BadYaml(file=file, why=str(refused)) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}: " if mark else ""
        raise BadYaml(file=file, why=f"{where}{error.problem}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError):
        raise BadYaml(file=file, why="it is not YAML in UTF-8") from None


def load_file(path: Path) -> Any:
    """Parse a file as `load` does; errors have its name."""
    return load(path.read_bytes(), path.name)


def near(name: str, known: Iterable[str]) -> str:
    """The text ` (did you mean `…`?)` if a known name is similar, else an empty string."""
    matches = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" (did you mean `{matches[0]}`?)" if matches else ""


def unknown_keys(record: Mapping[str, Any], known: Iterable[str]) -> list[str]:
    """One phrase per unknown key, such as "`tonne` (did you mean `tone`?)"."""
    names = list(known)
    return [f"`{key}`{near(str(key), names)}" for key in record if key not in names]
