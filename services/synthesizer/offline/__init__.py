"""The offline model: a stand-in for a language model that needs no network and draws only by the seed.

As the agent it plays a procedure's steps; as the persona it repeats what the source's customer said.
"""

from services.synthesizer.offline.stand_in import OfflineModel

__all__ = ["OfflineModel"]
