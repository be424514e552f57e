"""How long a search in many documents takes, by words alone and by meaning too, beside a call that does nothing: the
health check; and how often the answer to a question is among the first three documents.

The documents have made-up words with the frequencies of a language (Zipf's law), without the most common ones. Both
calls take turns on one connection.
"""

import asyncio
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import grpc
import numpy as np
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub

from benchmarks import embeddings
from benchmarks.domains import turns
from benchmarks.results import gates, limited, reached, report
from benchmarks.servers import server
from greenroom.enricher.v1 import knowledge_pb2 as pb
from greenroom.enricher.v1.knowledge_pb2_grpc import KnowledgeServiceStub
from shared.yaml import load_file

TOPIC = "knowledge"
SHOP = Path(__file__).parents[1] / "tests" / "contract" / "shop_knowledge.yaml"
_WORDS, _COMMON = 20_000, 60
"""How many words there are, and how many of the most common ones no document has."""
_IN_DOCUMENT, _IN_QUERY = 80, 6
_AT_ONCE = 100


def run(quick: bool) -> bool:
    """Measure, report, and return whether the gates held."""
    return asyncio.run(_run(quick))


async def _run(quick: bool) -> bool:
    gate = gates(TOPIC)
    size = gate["quick" if quick else "full"]
    with server("services.enricher") as process:
        ratios, empties, answered = await _searched(process.address, size)
    with embeddings.counting_server() as address:
        model = {"embedding_model": "ollama:counting", "ollama_base_url": address}
        with server("services.enricher", settings=model) as process:
            by_meaning, beside, _ = await _searched(process.address, size)
    results = [
        limited(gate["search"], "", ratios, beside=empties),
        limited(gate["search_by_meaning"], "", by_meaning, beside=beside),
        reached(gate["answered"], "", [answered]),
    ]
    if why := embeddings.missing():
        print(f"The answers by meaning are not measured: {why}")
    else:
        results.append(reached(gate["answered_by_meaning"], "", [await _answered_by_meaning()]))
    return report(TOPIC, results)


async def _searched(address: str, size: Mapping[str, int]) -> tuple[list[float], list[float], float]:
    """By round how long a search takes beside an empty call, and that in ms; and the share of questions answered."""
    ratios, empties = [], []
    random = np.random.default_rng(1)
    async with grpc.aio.insecure_channel(address) as channel:
        stub, check = KnowledgeServiceStub(channel), HealthStub(channel).Check
        answered = await _answered(stub)
        for _ in range(size["documents"] // _AT_ONCE):
            some = [pb.Document(title=_text(random, 3), text=_text(random, _IN_DOCUMENT)) for _ in range(_AT_ONCE)]
            await stub.AddDocuments(pb.AddDocumentsRequest(documents=some))
        await _with_vectors(stub)

        def search() -> grpc.aio.UnaryUnaryCall[pb.SearchDocumentsRequest, pb.SearchDocumentsResponse]:
            return stub.SearchDocuments(pb.SearchDocumentsRequest(query=_text(random, _IN_QUERY)))

        for _ in range(size["rounds"]):
            ours, empty = await turns((search, partial(check, health_pb2.HealthCheckRequest())), size["calls"])
            empties.append(empty)
            ratios.append(ours / empty)
    return ratios, empties, answered


async def _with_vectors(stub: KnowledgeServiceStub) -> None:
    """Wait until all documents have vectors, if they get any: these are made after the documents are stored."""
    while True:
        if not (await stub.SearchDocuments(pb.SearchDocumentsRequest(query="a lamp"))).meaning_problem:
            return
        await asyncio.sleep(1)


async def _answered_by_meaning() -> float:
    """Like `_answered`, with an embedding model."""
    with embeddings.embedding_server() as address:
        model = {"embedding_model": f"ollama:{embeddings.MODEL}", "ollama_base_url": address, "embedding_seconds": 60}
        with server("services.enricher", settings=model) as process:
            async with grpc.aio.insecure_channel(process.address) as channel:
                return await _answered(KnowledgeServiceStub(channel))


async def _answered(stub: KnowledgeServiceStub) -> float:
    """The share of the shop's questions whose answer is among the first three documents."""
    shop = load_file(SHOP)
    documents = [pb.Document(title=title, text=text) for title, text in shop["documents"].items()]
    await stub.AddDocuments(pb.AddDocumentsRequest(documents=documents))
    await _with_vectors(stub)
    right = 0
    for question, title in shop["questions"].items():
        found = await stub.SearchDocuments(pb.SearchDocumentsRequest(query=question, limit=3))
        if found.meaning_problem:
            raise RuntimeError(found.meaning_problem)
        right += title in [match.document.title for match in found.matches]
    return right / len(shop["questions"])


def _text(random: np.random.Generator, words: int) -> str:
    """So many words; the rank of each is log-uniform, as in Zipf's law."""
    ranks = np.exp(random.uniform(np.log(_COMMON), np.log(_WORDS), words)).astype(int)
    return " ".join(f"w{rank}" for rank in ranks)
