"""Which contact field a path of a workflow is."""

from collections.abc import Sequence
from functools import partial

from services.synthesizer.campaigns.formats.building import Fields, Use, slug
from services.synthesizer.campaigns.formats.n8n.flow import producers
from services.synthesizer.campaigns.formats.n8n.kinds import Role, role, waits_for_answer
from services.synthesizer.campaigns.formats.n8n.paths import Parts, Path, Scope, label
from services.synthesizer.campaigns.formats.n8n.sets import assignments
from services.synthesizer.campaigns.formats.n8n.workflow import Node, Workflow


class Data:
    """The data that flows through a workflow.

    A field has the name of its path. If only one node gives it and that node asks another system, the field begins with
    the name of the node. answers: by such a node, the fields that it fills, with their paths.
    """

    def __init__(self, workflow: Workflow, fields: Fields, answers: dict[str, dict[str, tuple[Use, Parts]]]) -> None:
        self.fields = fields
        self.answers = answers
        self._nodes = workflow.nodes
        self._roles = {name: role(node) for name, node in workflow.nodes.items()}
        silent = (Role.BRANCH, Role.LOOP, Role.WAIT, Role.SHAPES)
        self._passes = {name: self._roles[name] in silent or node.disabled for name, node in workflow.nodes.items()}
        self._producers = producers(workflow, self._passes)
        self._assigned = {
            name: [*assignments(node)[0]] for name, node in workflow.nodes.items() if self._roles[name] is Role.SET
        }

    def scope(self, node: Node) -> Scope:
        """What the expressions of a node see."""
        return Scope(self.fields, partial(self.use, node.name), partial(self._asked, node.name))

    def use(self, node: str, path: Path) -> Use:
        """The contact field of a path that a node reads, or that a Set writes."""
        sources = self._sources(node, path)
        calls = [one for one in sources if self._roles[one] is Role.CALL]
        parts = path.parts or ("item",)
        if len(sources) == len(calls) == 1:
            wanted = f"{slug(calls[0], 30)}_{'_'.join(map(str, parts))}"
            use = self.fields.use((calls[0], parts), wanted, f"What `{calls[0]}` answers as `{label(parts)}`.")
        else:
            use = self.fields.use(parts, "_".join(map(str, parts)), f"The value at `{label(parts)}`.")
        for one in calls:
            self.answers.setdefault(one, {})[use.name] = use, path.parts
            use.default = f"({label(parts)})"
        return use

    def _sources(self, node: str, path: Path) -> Sequence[str]:
        """The nodes that give the value at a path: a Set that does not write it passes on what is before."""
        rest = [*self._producers[node]]
        if path.node in self._nodes:
            rest = [*self._producers[path.node]] if self._passes[path.node] else [path.node]
        found: dict[str, None] = {}
        seen = set(rest)
        rest.reverse()
        while rest:
            one = rest.pop()
            if self._roles[one] is not Role.SET or any(path.parts[: len(by)] == by for by in self._assigned[one]):
                found[one] = None
                continue
            before = [each for each in self._producers[one] if each not in seen]
            seen.update(before)
            rest += reversed(before)
        return [*found]

    def _asked(self, node: str, path: Path) -> str:
        """`approved` or `text` if a path is what a person answered to a message that waits for it; or ""."""
        sources = self._sources(node, path)
        waits = any(self._roles[one] is Role.MESSAGE and waits_for_answer(self._nodes[one]) for one in sources)
        if not waits or path.parts[:1] not in (("data",), ("approved",), ("text",)):
            return ""
        return "text" if path.parts[-1] == "text" else "approved"
