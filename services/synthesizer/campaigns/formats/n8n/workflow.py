"""Reads an n8n workflow: its nodes, and which of their outputs lead where."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.synthesizer.campaigns.formats.building import endless
from services.synthesizer.campaigns.formats.errors import CampaignImportInvalid
from shared.errors import Violation
from shared.words import counted

MAX_NODES = 500
"""The most nodes of a workflow."""
_MOST_OUTPUTS = 200
_LISTED = 100
"""The most problems that an error lists."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node. kind: its type without the package, such as `if`. version: 0 if the file does not say."""

    name: str
    kind: str
    version: float
    parameters: Mapping[str, Any]
    disabled: bool = False
    fails_apart: bool = False
    """True if the node has one more output for errors."""


@dataclass(frozen=True, slots=True)
class Workflow:
    """A workflow. outputs: by node and number of the output, the nodes that it leads to. helps: by node that is a part
    of another one, such as the model of an agent, the name of that one."""

    name: str
    nodes: Mapping[str, Node]
    outputs: Mapping[tuple[str, int], Sequence[str]]
    helps: Mapping[str, str]
    _numbers: dict[str, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, number in sorted(self.outputs):
            self._numbers.setdefault(name, []).append(number)

    def numbers(self, node: str) -> Sequence[int]:
        """The outputs of a node that lead somewhere."""
        return self._numbers.get(node, ())


def is_workflow(document: Any) -> bool:
    """True if a document has the keys of a workflow."""
    inside = _inside(document)
    return (
        isinstance(inside, dict)
        and isinstance(inside.get("nodes"), list)
        and ("connections" in inside or "edges" in inside)
    )


def read_workflow(document: Any, file: str) -> Workflow:
    """The workflow in a document. Raises CampaignImportInvalid, which names every node and field that is wrong."""
    inside = _inside(document)
    if not is_workflow(document):
        raise _invalid(file, "it needs the lists `nodes` and `connections`")
    if len(inside["nodes"]) > MAX_NODES:
        many = f"There are {len(inside['nodes']):,} nodes, and there may be {MAX_NODES:,}."
        raise _invalid(file, "it is too large", [Violation("nodes", many)])
    problems: list[Violation] = []
    nodes: dict[str, Node] = {}
    for number, one in enumerate(inside["nodes"]):
        node = _node(one, f"nodes[{number}]", problems)
        if node is not None and node.name in nodes:
            problems.append(Violation(f"nodes[{number}].name", f"There are two nodes `{node.name}`."))
        elif node is not None:
            nodes[node.name] = node
    outputs: dict[tuple[str, int], list[str]] = {}
    helps: dict[str, str] = {}
    for place, source, kind, number, target in _edges(inside, problems):
        known = True
        for end in (source, target):
            if end not in nodes:
                known = False
                problems.append(Violation(place, f"It names the node `{end[:100]}`, which does not exist."))
        if known and kind == "main" and number >= _MOST_OUTPUTS:
            problems.append(Violation(place, f"A node has up to {_MOST_OUTPUTS} outputs."))
        elif known and kind == "main":
            leads = outputs.setdefault((source, number), [])
            if target not in leads:
                leads.append(target)
        elif known:
            helps[source] = target
    if not nodes and not problems:
        problems.append(Violation("nodes", "There are no nodes."))
    name = str(inside.get("name") or "")[:200].removesuffix(".json") or file.removesuffix(".json")
    workflow = Workflow(name, nodes, outputs, helps)
    problems += _endless(workflow)
    if problems:
        raise _invalid(file, f"it has {counted(len(problems), 'problem')}", problems[:_LISTED])
    return workflow


def _invalid(file: str, why: str, problems: Sequence[Violation] = ()) -> CampaignImportInvalid:
    return CampaignImportInvalid(file=file, format="n8n workflow", why=why, violations=problems)


def _inside(document: Any) -> Any:
    """The workflow of a document: exports may be lists of one, or have it as a member."""
    if isinstance(document, list) and len(document) == 1:
        document = document[0]
    if isinstance(document, dict) and isinstance(document.get("workflow"), dict):
        document = document["workflow"]
    return document


def _node(one: Any, place: str, problems: list[Violation]) -> Node | None:
    if not isinstance(one, dict):
        problems.append(Violation(place, "A node is an object."))
        return None
    wrong = [key for key in ("name", "type") if not isinstance(one.get(key), str) or not one[key]]
    problems += [Violation(f"{place}.{key}", "It should be a text that is not empty.") for key in wrong]
    parameters = one.get("parameters", one.get("params"))
    if parameters is not None and not isinstance(parameters, dict):
        problems.append(Violation(f"{place}.parameters", "They should be an object."))
        return None
    if wrong:
        return None
    version = one.get("typeVersion")
    return Node(
        name=one["name"],
        kind=one["type"].rpartition(".")[2],
        version=float(version) if isinstance(version, int | float) else 0.0,
        parameters=parameters or {},
        disabled=one.get("disabled") is True,
        fails_apart=one.get("onError") == "continueErrorOutput",
    )


def _edges(inside: Mapping[str, Any], problems: list[Violation]) -> Iterator[tuple[str, str, str, int, str]]:
    """(place, source, kind, number of the output, target) of each connection."""
    edges = inside.get("edges")
    if isinstance(edges, list) and "connections" not in inside:
        for number, edge in enumerate(edges):
            out = edge.get("out", 0) if isinstance(edge, dict) else None
            if not isinstance(edge, dict) or not isinstance(out, int) or out < 0:
                problems.append(Violation(f"edges[{number}]", "An edge is an object with `from`, `to` and `out`."))
                continue
            kind = str(edge.get("kind") or "main")
            yield f"edges[{number}]", str(edge.get("from")), kind, out, str(edge.get("to"))
        return
    connections = inside.get("connections")
    if not isinstance(connections, dict):
        problems.append(Violation("connections", "They should be an object whose keys are names of nodes."))
        return
    for source, kinds in connections.items():
        place = f"connections.{source[:100]}"
        if not isinstance(kinds, dict):
            problems.append(Violation(place, "It should be an object with the key `main`."))
            continue
        for kind, outputs in kinds.items():
            if not isinstance(outputs, list):
                problems.append(Violation(f"{place}.{kind}", "It should be a list with an item for each output."))
                continue
            for number, targets in enumerate(outputs):
                if not isinstance(targets, list | None):
                    problems.append(Violation(f"{place}.{kind}[{number}]", "It should be a list."))
                    continue
                for target in targets or ():
                    named = target.get("node") if isinstance(target, dict) else None
                    yield f"{place}.{kind}[{number}]", source, kind, number, str(named)


def _endless(workflow: Workflow) -> Iterable[Violation]:
    """One problem for each node of a circle that no way leaves."""
    leads, used = targets(workflow), Counter(name for name, _ in workflow.outputs)
    # Who takes an output that leads nowhere is through; a Filter and a Switch may also take none.
    ends = [
        name
        for name, node in workflow.nodes.items()
        if not leads[name]
        or node.kind in ("filter", "switch")
        or (node.kind in ("if", "splitInBatches") and used[name] < 2)
    ]
    for name in endless(leads, ends):
        yield Violation(f"connections.{name[:100]}", f"No way leads from the node `{name[:100]}` out of a circle.")


def targets(workflow: Workflow) -> Mapping[str, Sequence[str]]:
    """The nodes that each node leads to."""
    found: dict[str, list[str]] = {name: [] for name in workflow.nodes}
    for (source, _), leads in sorted(workflow.outputs.items()):
        found[source] += [one for one in leads if one not in found[source]]
    return found
