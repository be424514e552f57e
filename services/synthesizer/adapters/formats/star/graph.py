"""Compiles a task graph of the format `star` to steps with branches."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.synthesizer.adapters.formats.fields import BadLine, Fields
from shared.model.steps import Ask, Branch, Call, End, Say, Schema, Step


@dataclass(frozen=True, slots=True)
class Parameter:
    """An argument of the API, or a member of its result."""

    name: str
    schema: Schema
    words: frozenset[str]
    required: bool = False


def parameters(api: Fields, name: str) -> list[Parameter]:
    """The arguments (`name` is "input") or members of the result ("output") of an API. Raises BadLine."""
    found = []
    for number, value in enumerate(api.items(name, 100)):
        one = Fields(value, api.at(f"{name}[{number}]"))
        called, readable = one.text("Name", 128, needed=True), one.text("ReadableName", 256)
        words = _stems(re.findall(r"[A-Z]?[a-z]+", called) or [called])
        schema = {**_schema(one), "description": readable} if readable else _schema(one)
        found.append(Parameter(called, schema, words))
    return found


def _schema(parameter: Fields) -> Schema:
    words = [text for text in parameter.items("Categories", 1_000) if isinstance(text, str)]
    match parameter.text("Type", 64):
        case "Categorical" | "RequestType" if words:
            return {"type": "string", "enum": words}
        case "Integer":
            return {"type": "integer"}
        case "Boolean":
            return {"type": "boolean"}
        case "ShortString" | "LongString" | "Categorical" | "RequestType":
            return {"type": "string"}
        case _:
            return {}


def _stems(words: Iterable[str]) -> frozenset[str]:
    return frozenset(word.lower()[:5] for word in words)


_FAILED = r"(?i)\\b(unavailable|booked at|conflicting|too small|fail\\w*|sorry|cannot|must provide|not)\\b"
"""What a result says of a request that could not be met, as a pattern in CEL."""
_LAST = re.compile(r"goodbye.*|.*_bye")
_ANYTHING_ELSE = "anything_else"
_END, _UNKNOWN = "end", "unknown"
_SORRY = "I am sorry, I cannot go on without that. Goodbye!"
_PLACEHOLDER = re.compile(r"\{(\w+)(?::\w+)?\}")


class Graph:
    """Compiles a graph to steps, from `hello` on.

    An action without an edge leads on by an outcome: of the query, of a question, or the customer's yes or no. An edge
    back to an earlier action ends the task, because slots that are filled are not asked for again.
    """

    def __init__(
        self,
        task: str,
        edges: Mapping[str, str],
        replies: Mapping[str, str],
        inputs: Sequence[Parameter],
        outputs: Sequence[Parameter],
    ) -> None:
        """Raises BadLine."""
        if "hello" not in edges:
            raise BadLine("NO_START", "The graph has no `hello`; it should begin with it.")
        self._task, self._edges, self._replies, self._outputs = task, edges, replies, outputs
        self._order: list[str] = []
        self._visit("hello")
        self._order.sort(key=lambda node: (bool(_LAST.fullmatch(node)), node == _ANYTHING_ELSE))
        self._kind = next((one for one in inputs if {"Check", "Book"} <= {*one.schema.get("enum", ())}), None)
        self._parameters = self._matched([one for one in inputs if one is not self._kind])

    def steps(self) -> tuple[Step, ...]:
        """The steps."""
        goodbye = next((self._replies[name] for name in self._replies if _LAST.fullmatch(name)), "Goodbye!")
        return (
            *(step for node in self._order for step in self._block(node)),
            End(goodbye, id=_END),
            End(_SORRY, id=_UNKNOWN),
        )

    def _visit(self, node: str) -> None:
        if node not in self._order:
            self._order.append(node)
            for following in self._following(node):
                self._visit(following)

    def _following(self, node: str) -> list[str]:
        """The actions after an action: one, or those of the good and of the bad outcome."""
        if node in self._edges:
            return [self._edges[node]]
        if good := self._outcome(node):
            return [self._edges[name] for name in (good, _OUTCOMES[good]) if name in self._edges]
        if _LAST.fullmatch(node) or node == _ANYTHING_ELSE:
            return []
        return [self._edges.get("done", _ANYTHING_ELSE)]

    def _outcome(self, node: str) -> str:
        """The good outcome of an action without an edge; "" if it has none."""
        if node.startswith("query"):
            return "query_success" if node == "query_book" or "available" not in self._edges else "available"
        if node == _ANYTHING_ELSE or not self._asks(node):
            return ""
        answered = {self._edges.get(name) for name in ("correct", "incorrect")}
        return next((name for name in ("yes", "correct") if name in self._edges and node not in answered), "")

    def _asks(self, node: str) -> bool:
        return node != "hello" and ("ask" in node.split("_") or self._offers(node) or self._text(node).endswith("?"))

    def _offers(self, node: str) -> bool:
        """True if the agent says what it can search by; what the customer answers fills no argument."""
        return node.endswith(("_criteria", "_optional"))

    def _text(self, node: str) -> str:
        return self._replies.get(node, node.replace("_", " ")).strip()

    def _matched(self, inputs: Sequence[Parameter]) -> dict[str, Parameter]:
        """By question its argument: the one whose name has most of its words, or else the next that is left."""
        asking = [node for node in self._order if node in self._edges and self._asks(node) and not self._offers(node)]
        found: dict[str, Parameter] = {}
        free = list(inputs)
        for by_words in (True, False):
            for node in (node for node in asking if node not in found):
                words = _stems(_slot(node).split("_"))
                fitting = [one for one in free if words & one.words or not by_words]
                if node == "ask_name":  # who the customer is; `Name` alone is what they want
                    fitting = [one for one in fitting if len(one.words) > 1]
                if fitting:
                    found[node] = max(fitting, key=lambda one: len(words & one.words) / len(words | one.words))
                    free.remove(found[node])
        return found

    def _block(self, node: str) -> Iterator[Step]:
        """The steps of an action, and what leads on from it."""
        following = self._following(node)
        if _LAST.fullmatch(node):
            yield End(self._filled(node), id=node)
            return
        if node.startswith("query"):
            yield from self._query(node)
        elif self._asks(node):
            needed = node in self._parameters and self._parameters[node].required
            yield Ask(_slot(node), self._filled(node), self._answers(node), optional=not needed, id=node)
        else:
            yield Say(self._filled(node), id=node)
        place = self._order.index(node)
        targets = [one if one in self._order[place + 1 :] else _END for one in following] or [_END]
        if len(targets) > 1:
            yield Branch(self._is_bad(node), targets[1], targets[0])
        elif targets != [*self._order, _END][place + 1 : place + 2]:
            yield Branch("true", targets[0])

    def _answers(self, node: str) -> Schema:
        if node in self._parameters:
            return self._parameters[node].schema
        yes_or_no = node not in self._edges and self._outcome(node) == "yes"
        return {"type": "string", "enum": ["yes", "no"]} if yes_or_no else {"type": "string"}

    def _query(self, node: str) -> Iterator[Step]:
        """The call, unless the customer did not say what it needs."""
        arguments = {one.name: _slot(asking) for asking, one in self._parameters.items()}
        needed = [f"{_slot(asking)} == ''" for asking, one in self._parameters.items() if one.required]
        yield Branch(" || ".join(needed) or "false", _UNKNOWN, id=node)
        if self._kind is not None:
            wanted = "Book" if node == "query_book" else "Check"
            arguments[self._kind.name] = slot = f"request_{wanted.lower()}"
            yield Ask(slot, f"{wanted}?", {"type": "string", "const": wanted}, optional=True)
        yield Call(self._task, arguments)

    def _is_bad(self, node: str) -> str:
        """The condition of the bad outcome."""
        match self._outcome(node):
            case "yes":
                return f"{_slot(node)} == 'no'"
            case "correct":
                return f"{_slot(node)} != results.{self._task}.Answer"
            case _:
                texts = [one.name for one in self._outputs if one.schema.get("type") == "string"]
                of = f"results.{self._task}"
                failed = (f"(has({of}.{one}) && {of}.{one}.matches('{_FAILED}'))" for one in texts)
                return " || ".join(failed) or "false"

    def _filled(self, node: str) -> str:
        """What is said, as a Liquid template over slots and the result."""
        return _PLACEHOLDER.sub(lambda found: self._value(found[1]), self._text(node)).strip()

    def _value(self, placeholder: str) -> str:
        words = _stems(placeholder.split("_"))
        slots = {_slot(asking): _stems(_slot(asking).split("_")) for asking in self._parameters}
        same = [slot for slot in slots if slots[slot] == words]
        members = [one.name for one in self._outputs if words & one.words]
        if not self._outputs:
            members = [placeholder.capitalize()]  # the API does not say what it returns
        like = [slot for slot in slots if words & slots[slot]]
        found = [*same, *(f"results.{self._task}.{name}" for name in members), *like]
        return f"{{{{ {found[0]} }}}}" if found else ""


_OUTCOMES = {"available": "unavailable", "query_success": "query_failure", "yes": "no", "correct": "incorrect"}
"""By good outcome, the bad one."""


def _slot(node: str) -> str:
    words = node.split("_")
    return "_".join(words[words.index("ask") + 1 :] if "ask" in words[:-1] else words)
