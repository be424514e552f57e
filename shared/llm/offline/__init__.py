"""The offline model: a stand-in that needs no network and draws only by the seed. It is no language model; it follows a
procedure's steps as the agent, and speaks from a source's own material as the persona."""

from shared.llm.offline.model import OfflineModel

__all__ = ["OfflineModel"]
