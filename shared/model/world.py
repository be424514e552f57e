"""A conversation's resources: a base that many conversations share, and its own changes."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from shared.model.events import Json, Resource, ResourcePatch

Data = Mapping[str, Json]
Base = Mapping[str, Mapping[str, Data]]
"""The data of resources by type and id."""


@dataclass(frozen=True, slots=True)
class World:
    """The resources of one conversation, copied on write: a changed World shares everything that did not change.

    base: is never changed. changes: what replaces resources of the base or comes in addition; None for a deleted one.
    """

    base: Base = field(default_factory=dict)
    changes: Mapping[str, Mapping[str, Data | None]] = field(default_factory=dict)

    def __getitem__(self, key: tuple[str, str]) -> Data:
        """The data of the resource with this type and id. Raises KeyError."""
        data = self.get(*key)
        if data is None:
            raise KeyError(key)
        return data

    def get(self, kind: str, key: str) -> Data | None:
        """The data of a resource; None if there is none, or none any more."""
        own = self.changes.get(kind, {})
        return own[key] if key in own else self.base.get(kind, {}).get(key)

    def deleted(self, kind: str, key: str) -> bool:
        """True if the conversation had this resource and deleted it."""
        return key in (own := self.changes.get(kind, {})) and own[key] is None

    def of_type(self, kind: str) -> Iterator[tuple[str, Data]]:
        """The resources of a type by id: first those of the base in its order, then the new ones by age."""
        base, own = self.base.get(kind, {}), self.changes.get(kind, {})
        for key in (*base, *(new for new in own if new not in base)):
            if (data := self.get(kind, key)) is not None:
                yield key, data

    def added(self, resources: Iterable[Resource]) -> "World":
        """This world with more resources; each replaces the one with its type and id."""
        changes: dict[str, dict[str, Data | None]] = {kind: dict(own) for kind, own in self.changes.items()}
        for resource in resources:
            changes.setdefault(resource.type, {})[resource.id] = resource.data
        return World(self.base, changes)

    def patched(self, patches: Iterable[ResourcePatch]) -> "World":
        """This world with the patches applied in order."""
        world = self
        for patch in patches:
            before = world.get(patch.type, patch.id) or {}
            world = world._with(patch.type, patch.id, None if patch.delete else merged(before, patch.merge))
        return world

    def _with(self, kind: str, key: str, data: Data | None) -> "World":
        return World(self.base, {**self.changes, kind: {**self.changes.get(kind, {}), key: data}})


def merged(target: Json, patch: Json) -> Json:
    """The target after a JSON merge patch, RFC 7396 section 2."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result
