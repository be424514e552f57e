"""Reads rubrics, each problem with its line and column, and writes them."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from services.evaluator.rubrics.errors import RubricInvalid
from services.evaluator.rubrics.model import Content, Criteria, Criterion
from shared.errors import Violation
from shared.model.events import Json
from shared.words import any_of, counted
from shared.yaml import near
from shared.yaml_nodes import Node, Problem, read_nodes
from shared.yaml_writing import write_yaml

MOST_CRITERIA = 50
MOST_VERDICTS = 20
MOST_PHRASES = 200
_ID = re.compile(r"[a-z][a-z0-9_]{0,63}")
_VERDICT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_RUBRIC = ("display_name", "description", "criteria")
_CRITERION = ("question", "evidence", "scale", "passes", "phrases")
_LISTED = 100
_SHORT, _LONG = 200, 2_000


def read_content(data: bytes, file: str) -> Content:
    """The rubric in a file as it is stored. Raises BadYaml, RubricInvalid."""
    rubric = read_rubric(data, file)
    ids = tuple(one.id for one in rubric.criteria)
    return Content(rubric.display_name, rubric.description, ids, write_rubric(rubric))


def read_rubric(data: bytes, file: str) -> Criteria:
    """The rubric in a YAML or JSON file. Raises BadYaml, and RubricInvalid with every problem."""
    root, problems = read_nodes(data, file)
    reader = _Reader()
    rubric = reader.rubric(root)
    problems += reader.problems
    if problems:
        listed = [
            Violation(f"{file}:{one.place.line}:{one.place.column}", one.sentence)
            for one in sorted(set(problems))[:_LISTED]
        ]
        raise RubricInvalid(file=file, problems=counted(len(problems), "problem"), violations=listed)
    return rubric


def write_rubric(rubric: Criteria) -> bytes:
    """The rubric as YAML that `read_rubric` reads back equal, without members that have their default."""
    written: dict[str, Json] = {"display_name": rubric.display_name}
    if rubric.description:
        written["description"] = rubric.description
    written["criteria"] = {one.id: _written(one) for one in rubric.criteria}
    return write_yaml(written)


def _written(one: Criterion) -> dict[str, Json]:
    written: dict[str, Json] = {"question": one.question}
    if one.evidence:
        written["evidence"] = one.evidence
    written |= {"scale": dict(one.scale), "passes": [*one.passes]}
    if one.phrases:
        written["phrases"] = {verdict: [*phrases] for verdict, phrases in one.phrases.items()}
    return written


class _Reader:
    """Reads nodes. problems: what is wrong; values that have problems are replaced by others of their type."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def rubric(self, root: Node) -> Criteria:
        members = self._members(root, "A rubric", _RUBRIC)
        given = members.get("criteria")
        criteria: Mapping[str, Node] = {}
        if given is not None and given.value is not None:
            criteria = self._mapping(given, "`criteria` of a rubric", "criteria by their ids")
        if not criteria and (given is None or not given.value):
            self._say(root if given is None else given, "A rubric has at least one criterion; this one has none.")
        elif len(criteria) > MOST_CRITERIA:
            self._say(root, f"A rubric has up to {MOST_CRITERIA} criteria; this one has {len(criteria):,}.")
            criteria = {}
        for name in criteria:
            if given is not None and not _ID.fullmatch(name):
                what = "a small letter, then up to 63 small letters, digits or `_`"
                self.problems.append(Problem(given.keys[name], f"The id of a criterion should be {what}."))
        return Criteria(
            display_name=self._text(root, members, "display_name", "A rubric", _SHORT, needed=True),
            description=self._text(root, members, "description", "A rubric", _LONG),
            criteria=tuple(self._criterion(name, node) for name, node in criteria.items()),
        )

    def _criterion(self, name: str, node: Node) -> Criterion:
        what = f"The criterion `{_short(name)}`"
        members = self._members(node, what, _CRITERION)
        scale = self._scale(node, members, what)
        return Criterion(
            id=name,
            question=self._text(node, members, "question", what, _LONG, needed=True),
            evidence=self._text(node, members, "evidence", what, _LONG),
            scale=scale,
            passes=self._passes(node, members, scale, what),
            phrases=self._phrases(members, scale, what),
        )

    def _scale(self, node: Node, members: Mapping[str, Node], what: str) -> Mapping[str, str]:
        given = members.get("scale")
        if given is None:
            self._say(node, f"{what} needs the key `scale`.")
            return {}
        verdicts = self._mapping(given, f"{what}: `scale`", "what each verdict means, by verdict")
        if verdicts and len(verdicts) != len(given.keys):
            return {}
        if isinstance(given.value, dict) and not 2 <= len(verdicts) <= MOST_VERDICTS:
            count = "one value" if len(verdicts) == 1 else f"{len(verdicts):,} values"
            self._say(given, f"{what} has a scale of {count}; a scale has 2 to {MOST_VERDICTS}.")
        for verdict in verdicts:
            if not _VERDICT.fullmatch(verdict):
                known = "up to 40 letters, digits, `_` or `-`"
                self.problems.append(Problem(given.keys[verdict], f"{what}: a verdict should be {known}."))
        return {one: self._text(given, verdicts, one, f"{what}, scale", _LONG) for one in verdicts}

    def _passes(self, node: Node, members: Mapping[str, Node], scale: Mapping[str, str], what: str) -> tuple[str, ...]:
        given = members.get("passes")
        if given is None or not isinstance(given.value, list):
            self._say(given or node, f"{what} needs the key `passes`: a list of the verdicts that are good.")
            return ()
        found = [verdict for one in given.value if (verdict := self._verdict(one, scale, f"{what}: `passes`"))]
        if scale and len(found) == len(given.value) and not 0 < len(set(found)) < len(scale):
            which = "some verdicts of the scale, not all" if found else "at least one verdict of the scale"
            self._say(given, f"{what}: `passes` should name {which}.")
        return tuple(dict.fromkeys(found))

    def _phrases(
        self, members: Mapping[str, Node], scale: Mapping[str, str], what: str
    ) -> Mapping[str, tuple[str, ...]]:
        given = members.get("phrases")
        if given is None or given.value is None:
            return {}
        where, found = f"{what}: `phrases`", dict[str, tuple[str, ...]]()
        for verdict, inside in self._mapping(given, where, "lists of phrases by verdict").items():
            self._verdict(Node(verdict, given.keys[verdict]), scale, where)
            phrases = [one.value for one in inside.value] if isinstance(inside.value, list) else []
            if not 0 < len(phrases) <= MOST_PHRASES or not all(map(_is_phrase, phrases)):
                up_to = f"1 to {MOST_PHRASES} texts of up to {_SHORT} characters"
                self._say(inside, f"{where}: the phrases of `{_short(verdict)}` should be a list of {up_to}.")
            found[verdict] = tuple(phrases)
        if scale and set(scale) <= set(found):
            self._say(given, f"{where} should leave out one verdict, that of an agent who says none of them.")
        return found

    def _verdict(self, node: Node, scale: Mapping[str, str], where: str) -> str:
        if isinstance(node.value, bool):
            self._say(node, f"{where}: YAML reads this word as true or false; quote it.")
        elif not isinstance(node.value, str):
            self._say(node, f"{where} should name verdicts of the scale, in quotes if they look like numbers.")
        elif scale and node.value not in scale:
            hint = near(node.value, scale) or f"; it has {any_of(scale)}"
            self._say(node, f"{where}: the scale has no verdict `{_short(node.value)}`{hint}.")
        else:
            return node.value
        return ""

    def _text(
        self, node: Node, members: Mapping[str, Node], name: str, what: str, most: int, *, needed: bool = False
    ) -> str:
        given = members.get(name)
        if given is None or given.value is None:
            if needed:
                self._say(node, f"{what} needs the key `{name}`.")
            return ""
        if not isinstance(given.value, str) or len(given.value) > most or (needed and not given.value.strip()):
            self._say(
                given, f"{what}: `{_short(name)}` should be text of {'1' if needed else '0'} to {most:,} characters."
            )
            return ""
        return given.value

    def _members(self, node: Node, what: str, known: Iterable[str]) -> Mapping[str, Node]:
        members = self._mapping(node, what, f"the keys {any_of(known)}")
        for name in members:
            if name not in known:
                hint = near(_short(name), known) or f"; it has {any_of(known)}"
                self.problems.append(Problem(node.keys[name], f"{what} has no key `{_short(name)}`{hint}."))
        return members

    def _mapping(self, node: Node, what: str, inside: str) -> Mapping[str, Node]:
        if isinstance(node.value, dict):
            return node.value
        self._say(node, f"{what} should be a mapping with {inside}.")
        return {}

    def _say(self, node: Node, sentence: str) -> None:
        self.problems.append(Problem(node.place, sentence))


def _is_phrase(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value.strip()) <= len(value) <= _SHORT


def _short(text: str) -> str:
    return text if len(text) <= _SHORT else f"{text[:_SHORT]}…"
