"""Documents: stored once, found by their words with the passage that says it, and only by their own company."""

from pathlib import Path

import grpc
import pytest

from greenroom.enricher.v1.knowledge_pb2 import Document, SearchDocumentsRequest
from greenroom.enricher.v1.knowledge_pb2_grpc import KnowledgeServiceStub
from shared.yaml import load_file
from tests.contract.test_domains import SHOP, imported
from tests.scripted import refused
from tests.suite import EnricherSuite

SHOP_KNOWLEDGE = load_file(Path(__file__).with_name("shop_knowledge.yaml"))


async def titles(enricher: EnricherSuite, query: str, tag: str, limit: int = 0) -> list[str]:
    """The titles of what a search finds among the documents with this tag."""
    found = await enricher.client.documents.search(query, tags=[tag], limit=limit)
    return [match.document.title for match in found.matches]


async def test_a_document_is_stored_once_with_everything_that_was_said_of_it(enricher: EnricherSuite) -> None:
    documents = enricher.client.documents
    await imported(enricher, SHOP, "stocked")
    lamp = Document(
        title="Lamps", text="A lamp\n\nshines.", tags=["b", "a", "b"], source="lamps.md", domain="domains/stocked"
    )

    first = await documents.add([lamp], request_id="lamps-once")
    again = await documents.add([lamp])
    repeated = await documents.add([lamp], request_id="lamps-once")

    [stored] = first.documents
    assert (stored.title, stored.text, list(stored.tags), stored.source) == ("Lamps", "", ["a", "b"], "lamps.md")
    assert (stored.domain, stored.characters, first.unchanged) == ("domains/stocked", 15, 0)
    assert (list(again.documents), again.unchanged, repeated) == ([stored], 1, first)
    whole = await documents.get(stored.name)
    assert whole.text == lamp.text
    assert [one async for one in documents.list(tags=["a", "b"], domain="domains/stocked")] == [stored]
    async with refused("ALREADY_EXISTS", "REQUEST_ID_REUSED"):
        await documents.add([Document(title="Other", text="Other.")], request_id="lamps-once")
    async with refused("FAILED_PRECONDITION", "DOMAIN_IN_USE"):
        await enricher.client.domains.delete("domains/stocked")
    await documents.delete(stored.name)
    await enricher.client.domains.delete("domains/stocked")
    async with refused("FAILED_PRECONDITION", "REQUEST_RESULT_DELETED"):
        await documents.add([lamp], request_id="lamps-once")
    async with refused("NOT_FOUND", "DOCUMENT_NOT_FOUND"):
        await documents.get(stored.name)
    async with refused("NOT_FOUND", "DOMAIN_NOT_FOUND"):
        await documents.add([lamp])
    assert await titles(enricher, "lamp", "a") == []


async def test_a_long_document_is_found_with_the_passage_that_says_it(enricher: EnricherSuite) -> None:
    filler = "The warehouse stands in a quiet street near the river. " * 400
    text = f"{filler}\n\nThe alarm code of the vault is changed on Mondays.\n\n{filler}"
    [stored] = (await enricher.client.documents.add([Document(title="Handbook", text=text, tags=["long"])])).documents

    found = await enricher.client.documents.search("when is the code of the alarm changed?", tags=["long"])

    [match] = found.matches
    assert match.document == stored
    assert "The alarm code of the vault is changed on Mondays." in match.passage
    assert len(match.passage) <= 1200
    assert text[match.offset :].startswith(match.passage)
    assert (await enricher.client.documents.get(stored.name)).text == text


@pytest.mark.parametrize(
    "query",
    ['"', "NEAR(lamp shade)", "title:lamp AND NOT (", "lamp* OR", "'; DROP TABLE documents; --", "^lamp {text}: -lamp"],
)
async def test_a_query_in_the_syntax_of_a_database_is_only_words(enricher: EnricherSuite, query: str) -> None:
    await enricher.client.documents.add(
        [Document(title="Lamp", text="A lamp.", tags=["syntax"]), Document(title="Box", text="A box.", tags=["syntax"])]
    )
    assert await titles(enricher, query, "syntax") == (["Lamp"] if "lamp" in query else [])


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("Große Türen", "Türen"),
        ("turen", "Türen"),
        ("GROSSE", "Türen"),
        ("退货需要几天", "退货"),
        ("返品はできますか", "返品"),
        ("crème brulee", "Dessert"),
        ("returning", "Return"),
    ],
)
async def test_accents_and_languages_without_spaces_are_searched_too(
    enricher: EnricherSuite, query: str, title: str
) -> None:
    await enricher.client.documents.add(
        [
            Document(title="Türen", text="Große Türen werden geliefert.", tags=["languages"]),
            Document(title="退货", text="收到商品后三十天内可以退货。", tags=["languages"]),
            Document(title="返品", text="商品到着後、返品が可能です。", tags=["languages"]),
            Document(title="Dessert", text="Creme brûlée is frozen.", tags=["languages"]),
            Document(title="Return", text="Customers return lamps.", tags=["languages"]),
        ]
    )
    found = await titles(enricher, query, "languages")
    assert found[:1] == [title]


async def test_the_answer_to_four_of_five_questions_is_among_the_first_three_documents(enricher: EnricherSuite) -> None:
    shop, questions = SHOP_KNOWLEDGE["documents"], SHOP_KNOWLEDGE["questions"]
    await enricher.client.documents.add([Document(title=one, text=shop[one], tags=["shop"]) for one in shop])

    found = {question: await titles(enricher, question, "shop", limit=3) for question in questions}

    missed = [question for question, title in questions.items() if title not in found[question]]
    assert len(missed) <= len(questions) / 5, missed


async def test_a_search_says_what_is_wrong_with_it(enricher: EnricherSuite) -> None:
    async with refused("INVALID_ARGUMENT", "INVALID_ARGUMENT"):
        await enricher.client.documents.search("")
    async with refused("INVALID_ARGUMENT", "INVALID_ARGUMENT"):
        await enricher.client.documents.search("lamp", limit=101)
    async with grpc.aio.insecure_channel(enricher.address) as channel:
        answer = await KnowledgeServiceStub(channel).SearchDocuments(SearchDocumentsRequest(query="?!"))
        assert not answer.matches
