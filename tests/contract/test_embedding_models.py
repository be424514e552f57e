"""Embedding models: what is sent to OpenAI and Ollama, and what becomes of answers that cannot be used."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from aiohttp import web
from pydantic import SecretStr

from shared.hosts import AllowedHosts
from shared.llm.around import limited, repeated
from shared.llm.base import ModelDenied, ModelUnavailable, ModelUnusable
from shared.llm.embedder import Embedder
from shared.llm.prices import Prices
from shared.llm.providers import EMBEDDING_PROVIDERS, Models, UnknownModel
from shared.llm.settings import ModelSettings
from tests.embeddings import Answer, EmbeddingServer, embedding_server, right
from tests.vendor_specs import violations

KEY = "sk-canary-9b1d77aa"


@asynccontextmanager
async def embedder(
    protocol: str, server: EmbeddingServer, seconds: float = 60, attempts: int = 1
) -> AsyncIterator[Embedder]:
    """An embedder of the protocol, on a server that must answer within `seconds`."""
    own = EMBEDDING_PROVIDERS[protocol].settings
    base = {"openai": f"{server.address}/v1", "ollama": server.address}[protocol]

    vendor = own(base_url=base, api_key=SecretStr(KEY), timeout_seconds=seconds)
    around = ModelSettings(model_attempts=attempts, model_throttled_seconds=0, model_longest_pause_seconds=0.01)
    async with EMBEDDING_PROVIDERS[protocol].open(vendor) as model:
        quick = limited(model, vendor, around, Prices.read(None))
        embedding = Embedder(f"{protocol}:small", repeated(quick, around), quick)
        yield embedding
        await embedding.close()


@pytest.mark.parametrize(("protocol", "path"), [("openai", "/v1/embeddings"), ("ollama", "/api/embed")])
async def test_texts_become_vectors_of_length_one_in_their_order(protocol: str, path: str) -> None:
    async with embedding_server() as server, embedder(protocol, server) as model:
        texts = ["a car", "red wine", "the automobile"]
        vectors = await model.passages(texts, "acme")

    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    assert vectors[0] @ vectors[2] > vectors[0] @ vectors[1]
    [(asked, headers, body)] = server.asked
    assert (asked, body) == (path, {"model": "small", "input": texts})
    assert headers["authorization"] == f"Bearer {KEY}"
    assert violations(path, body) == []


async def nothing(_: list[str]) -> Any:
    await asyncio.Event().wait()


def status(code: int) -> Answer:
    async def answer(_: list[str]) -> Any:
        return web.json_response({"error": {"message": f"No, {KEY}."}}, status=code)

    return answer


def says(text: str, kind: str = "application/json") -> Answer:
    async def answer(_: list[str]) -> Any:
        return web.Response(text=text, content_type=kind)

    return answer


def changed(change: Any) -> Answer:
    async def answer(texts: list[str]) -> Any:
        return change(await right(texts))

    return answer


@pytest.mark.parametrize(
    ("answer", "error", "why"),
    [
        (changed(lambda vectors: vectors[1:]), ModelUnusable, "it has 1 vectors for 2 texts"),
        (changed(lambda vectors: [vectors[0], vectors[1][:3]]), ModelUnusable, "different lengths: 3 and 64 numbers"),
        (changed(lambda vectors: [[float("nan")] * 64, vectors[1]]), ModelUnusable, "has no direction"),
        (changed(lambda vectors: [[0.0] * 64, vectors[1]]), ModelUnusable, "has no direction"),
        (changed(lambda vectors: [["x"], ["y"]]), ModelUnavailable, "broken or has an unknown form"),
        (changed(lambda vectors: [[10**400], [1]]), ModelUnavailable, "broken or has an unknown form"),
        (changed(lambda vectors: [[[1.0]], [[2.0]]]), ModelUnavailable, "broken or has an unknown form"),
        (says("<html>Welcome!</html>", "text/html"), ModelUnavailable, "broken or has an unknown form"),
        (says("[]"), ModelUnavailable, "broken or has an unknown form"),
        (nothing, ModelUnavailable, "no answer came within 0.5 s"),
        (status(401), ModelDenied, "it answered 401"),
        (status(429), ModelUnavailable, "it answered 429"),
        (status(500), ModelUnavailable, "it answered 500"),
    ],
)
async def test_an_answer_that_cannot_be_used_is_told_in_a_sentence(
    answer: Answer, error: type[Exception], why: str
) -> None:
    async with embedding_server() as server, embedder("ollama", server, 0.5 if answer is nothing else 60) as model:
        server.answer = answer
        with pytest.raises(error, match=why) as caught:
            await model.passages(["a car", "red wine"], "acme")
        assert KEY not in str(caught.value)


async def test_passages_are_asked_for_again_after_an_outage_and_queries_are_kept() -> None:
    async with embedding_server() as server, embedder("openai", server, attempts=2) as model:

        async def once_down(texts: list[str]) -> Any:
            server.answer = right
            return web.Response(status=503)

        server.answer = once_down
        await model.passages(["a car"], "acme")
        assert len(server.asked) == 2

        server.answer = once_down
        with pytest.raises(ModelUnavailable, match="503"):
            await model.query("a car", "acme", 30)
        first, again = [await model.query("a car", "acme", 30) for _ in range(2)]
        assert len(server.asked) == 4
        assert first is again


async def test_a_late_answer_to_a_query_serves_the_next_one() -> None:
    async with embedding_server() as server, embedder("openai", server) as model:
        go = asyncio.Event()

        async def late(texts: list[str]) -> Any:
            await go.wait()
            return await right(texts)

        server.answer = late
        with pytest.raises(ModelUnavailable, match=r"within 0\.01 s"):
            await model.query("a car", "acme", 0.01)
        go.set()
        assert (await model.query("a car", "acme", 30)).shape == (1, 64)
        assert len(server.asked) == 1


def test_only_providers_with_embedding_models_can_be_named() -> None:
    models = Models(EMBEDDING_PROVIDERS, lambda model, _: model, AllowedHosts())
    problem = models.problem("anthropic:claude-haiku-4-5")
    assert isinstance(problem, UnknownModel)
    assert str(problem) == "There is no model anthropic:claude-haiku-4-5; name one as openai:MODEL or ollama:MODEL."
