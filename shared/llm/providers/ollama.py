"""Models that Ollama runs: `ollama:MODEL`."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.llm.base import ChatModel, ChatRequest
from shared.llm.dialogue import Dialogue, Turn, model_seed, schema_of
from shared.llm.embedding import Embedded, EmbeddingModel, embedded
from shared.llm.reading import Reading, usage
from shared.llm.settings import Address, VendorSettings
from shared.llm.streaming import Stream
from shared.llm.vendor import VendorEmbeddings, VendorModel, temperature, without_variables
from shared.llm.wire import Response, Wire


class OllamaSettings(VendorSettings):
    """The settings of Ollama's models."""

    model_config = SettingsConfigDict(env_prefix="GREENROOM_OLLAMA_")
    own_host: ClassVar[str] = ""
    own_variable: ClassVar[str] = "OLLAMA_API_KEY"

    base_url: Address = "http://127.0.0.1:11434"
    """The address of Ollama."""

    context_tokens: int | None = Field(default=None, ge=256)
    """How many tokens a conversation may have; unset, Ollama's default. Ollama forgets the beginning of longer ones."""


@asynccontextmanager
async def open_ollama(settings: OllamaSettings) -> AsyncIterator[ChatModel]:
    """Connect to Ollama."""
    async with _wire(settings, "/api/chat") as wire:
        yield VendorModel(wire, settings, body, read, STREAM)


@asynccontextmanager
async def open_ollama_embeddings(settings: OllamaSettings) -> AsyncIterator[EmbeddingModel]:
    """Connect to Ollama for vectors. It cuts a text that is longer than its model reads."""
    async with _wire(settings, "/api/embed") as wire:
        yield VendorEmbeddings(wire, settings, read_embeddings)


@asynccontextmanager
async def _wire(settings: OllamaSettings, path: str) -> AsyncIterator[Wire]:
    """Ollama, where it answers requests to a path.

    The SDK's own `chat` drops nested fields of a tool's schema, the ids of calls and the header Retry-After, so this
    sends through the HTTP client below it.
    """
    import httpx
    import ollama

    headers = {"authorization": f"Bearer {settings.key}"} if settings.key else {}
    with without_variables("OLLAMA_"):
        client = ollama.AsyncClient(
            settings.base_url, headers=headers | settings.plain_headers, follow_redirects=False, timeout=None
        )

    async def post(body: bytes) -> Response:
        http = client._client
        response: Response = await http.send(http.build_request("POST", path, content=body), stream=settings.stream)
        return response

    async def describe(model: str) -> Response:
        response: Response = await client._client.post("/api/show", json={"model": model})
        return response

    async with client:
        failures = (httpx.HTTPError, OSError)
        yield Wire(describe, post, failures, settings.base_url, settings.timeout_seconds, settings.secrets)


def body(request: ChatRequest, told: Dialogue, settings: OllamaSettings) -> Mapping[str, Any]:
    """The body of POST /api/chat."""
    options: dict[str, Any] = {
        "seed": model_seed(request),
        "num_predict": request.max_tokens,
        **temperature(request, settings),
    }
    if settings.context_tokens is not None:
        options["num_ctx"] = settings.context_tokens
    sent: dict[str, Any] = {
        "model": told.model,
        "messages": [
            *({"role": "system", "content": system} for system in [told.system] if system),
            *(message for turn in told.turns for message in _messages(turn)),
        ],
        "stream": False,
        "options": options,
    }
    if told.tools:
        sent["tools"] = [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": schema_of(tool)},
            }
            for tool in told.tools
        ]
    if request.output is not None:
        sent["format"] = request.output.schema
    return sent


def _messages(turn: Turn) -> list[dict[str, Any]]:
    if turn.role == "tool":
        return [{"role": "tool", "tool_name": result.tool, "content": result.content} for result in turn.results]
    message: dict[str, Any] = {"role": turn.role, "content": turn.text}
    if turn.calls:
        message["tool_calls"] = [{"function": {"name": call.tool, "arguments": call.arguments}} for call in turn.calls]
    return [message]


def read(answer: Any) -> Reading:
    """The answer of /api/chat."""
    message = answer["message"]
    calls = [call["function"] for call in message.get("tool_calls") or ()]
    return Reading(
        text=message.get("content") or "",
        calls=[(call["name"], call["arguments"]) for call in calls],
        usage=usage(answer, input_tokens="prompt_eval_count", output_tokens="eval_count"),
        truncated=answer.get("done_reason") == "length",
    )


def read_embeddings(answer: Any) -> Embedded:
    """The answer of /api/embed."""
    return embedded(answer["embeddings"], answer, "prompt_eval_count")


def join(parts: Sequence[Any]) -> Any:
    """The parts as one answer: the last one has the counts. Raises ValueError if it is missing."""
    if not parts or not parts[-1]["done"]:
        raise ValueError
    messages = [part["message"] for part in parts]
    calls = [call for message in messages for call in message.get("tool_calls") or ()]
    text = "".join(message.get("content") or "" for message in messages)
    return {**parts[-1], "message": {"content": text, "tool_calls": calls}}


STREAM = Stream({"stream": True}, lambda _: True, join)
