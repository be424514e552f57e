"""The vectors of documents, also after the enricher that makes them is killed."""

import asyncio
from collections import Counter
from pathlib import Path
from signal import SIGKILL
from typing import Any

from greenroom.client import Client, connect
from greenroom.enricher.v1.knowledge_pb2 import Document, DocumentMatch
from tests.embeddings import embedding_server, right
from tests.processes import PATIENCE, Service, service

_BATCH, _DOCUMENTS = 32, 100


async def test_an_enricher_that_is_killed_makes_all_vectors_and_pays_for_none_twice_but_those_on_their_way(
    tmp_path: Path,
) -> None:
    async with embedding_server() as embeddings:
        settings = {
            "GREENROOM_DATA_DIR": str(tmp_path),
            "GREENROOM_EMBEDDING_MODEL": "ollama:small",
            "GREENROOM_OLLAMA_BASE_URL": embeddings.address,
            "GREENROOM_JOB_RETRY_SECONDS": "0.2",
        }
        paid: Counter[str] = Counter()
        lives: list[Service] = []
        calls = 0

        async def killing(texts: list[str]) -> Any:
            """Kill the enricher before the second call is answered, and soon after the fourth one is."""
            nonlocal calls
            calls += 1
            paid.update(texts)
            if calls == 2:
                lives[-1].kill()
            if calls == 4:
                asyncio.get_running_loop().call_later(0.005, lives[-1].kill)
            return await right(texts)

        embeddings.answer = killing
        for life in range(3):
            async with (
                service("services.enricher", settings) as running,
                connect(running.address, timeout=PATIENCE) as client,
            ):
                lives.append(running)
                if life == 0:
                    await client.documents.add([document(number) for number in range(_DOCUMENTS)])
                if life < 2:
                    assert await running.died() == -SIGKILL
                    continue
                found = await with_vectors(client)

    made = {text: times for text, times in paid.items() if text.startswith("Note")}
    assert len(made) == _DOCUMENTS
    assert sum(made.values()) - _DOCUMENTS <= 2 * _BATCH
    assert max(made.values()) <= 2
    assert found == {f"Note {number}" for number in range(_DOCUMENTS)}


def document(number: int) -> Document:
    """A note."""
    return Document(title=f"Note {number}", text=f"An automobile is looked at on day {number}.")


async def with_vectors(client: Client) -> set[str]:
    """The titles of the documents that are found by meaning, once all have vectors."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = await client.documents.search("vehicle", limit=_DOCUMENTS)
            if not found.meaning_problem:
                break
            await asyncio.sleep(0.05)
    return {match.document.title for match in found.matches if match.found_by == DocumentMatch.FOUND_BY_MEANING}
