"""The kind `resources`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from shared.errors import Violation
from shared.model.events import Json
from shared.model.expectations.base import CheckContext, Finding, Kind, met, missed
from shared.model.expectations.matching import assigned, differences, matches, shown
from shared.model.expectations.seen import Change, Seen
from shared.words import all_of

_One = tuple[tuple[str, str], Change]


@dataclass(frozen=True, slots=True)
class ExpectedResource:
    """A resource that must have changed. id: empty: any one of the type. deleted: `data` is ignored then."""

    type: str
    id: str = ""
    data: Mapping[str, Json] = field(default_factory=dict)
    deleted: bool = False

    @property
    def text(self) -> str:
        """The resource as a phrase, such as `order/7 with status sent`."""
        name = f"{self.type}/{self.id}" if self.id else f"a resource {self.type}"
        if self.deleted:
            return f"{name} is deleted"
        wanted = all_of(f"{field} {shown(value)}" for field, value in self.data.items())
        return f"{name} changes{f' to {wanted}' if wanted else ''}"

    def names(self, one: _One) -> bool:
        """True if it is about this resource."""
        return one[0][0] == self.type and self.id in ("", one[0][1])

    def fits(self, one: _One) -> bool:
        """True if the resource changed as it says."""
        after = one[1].after
        if not self.names(one) or self.deleted or after is None:
            return self.names(one) and self.deleted and after is None
        return matches(self.data, after)

    def wrong(self, one: _One) -> str:
        """How the resource, which it is about, changed instead."""
        (kind, key), change = one
        if change.after is None:
            return f"{kind}/{key} was deleted"
        if self.deleted:
            return f"{kind}/{key} was changed instead of deleted"
        return f"of {kind}/{key}, {all_of(differences(self.data, change.after))}"


@dataclass(frozen=True, slots=True)
class ResourceDiff(Kind):
    """How resources differ at the end from the beginning. only: no other resource may change.

    A patch that sets what the resource had is no change. Each expected resource is one of its own.
    """

    kind: ClassVar[str] = "resources"

    changed: tuple[ExpectedResource, ...] = ()
    only: bool = False

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> "ResourceDiff":
        changed = (ExpectedResource(**one) for one in record.get("changed", ()))
        return cls(tuple(changed), record.get("only", False))

    @property
    def subject(self) -> str:
        return "-".join(dict.fromkeys(one.type for one in self.changed))

    @property
    def text(self) -> str:
        if not self.changed:
            return "No resource changes."
        return f"At the end, {all_of(one.text for one in self.changed)}{', and nothing else' if self.only else ''}."

    def check(self, context: CheckContext) -> Iterator[Violation]:  # noqa: ARG002 - other kinds need it
        if not self.changed and not self.only:
            yield Violation("changed", "Name a resource that must change, or say with `only` that none may.")

    def judge(self, seen: Seen) -> Finding:
        found = list(seen.changes.items())
        pairs = assigned(self.changed, found, ExpectedResource.fits)
        used = {*pairs.values()}
        for number, wanted in enumerate(self.changed):
            if number not in pairs:
                return self._missed(seen, wanted, [one for at, one in enumerate(found) if at not in used])
        others = [one for at, one in enumerate(found) if at not in used]
        if self.only and others:
            names = all_of(f"{kind}/{key}" for (kind, key), _ in others)
            return missed(f"The agent changed {names} too.", [seq for _, change in others for seq in change.seqs])
        return met(*(seq for at in used for seq in found[at][1].seqs))

    def _missed(self, seen: Seen, wanted: ExpectedResource, others: list[_One]) -> Finding:
        near = [one for one in others if wanted.names(one)]
        if near:
            nearest = min(near, key=lambda one: len(differences(wanted.data, one[1].after or {})))
            return missed(f"At the end, {wanted.wrong(nearest)}.", nearest[1].seqs)
        name = f"{wanted.type}/{wanted.id}" if wanted.id else f"a resource {wanted.type}"
        seqs = [seq for _, change in others for seq in change.seqs]
        instead = f"; the agent changed {all_of('/'.join(key) for key, _ in others)}" if others else ""
        return missed(f"Nothing changed {name}{instead}.", seqs or (seen.last_seq,))
