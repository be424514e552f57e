"""A server that speaks the protocols of Anthropic, OpenAI and Ollama, and does what the name of the model says.

`python -m tests.model_stub` listens on a free port. GET /asked returns the requests since the last GET, as JSON.
A name may end with `@SECONDS`, the time before the answer. Asked which models it has, it says that it has all but
`missing`.
"""

import asyncio
import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from aiohttp import web

TEXT = "It is on its way."
LARGE = "x" * 100_000
OBJECT = '{"mood": "calm"}'
PERSONA = {
    "reasoning": "I have waited for a week.",
    "message": "Where is my order O-7?",
    "sentiment": "negative",
    "likely_to_convert": 20,
    "leaves": False,
}
REVIEW = {
    "issues": [
        {"step": "invite", "sentence": "It does not say why now.", "fix": "Say why."},
        {"step": "nowhere", "sentence": "It is rude.", "fix": "Be kind."},
    ],
    "recommendations": [
        {"subject": "CONTENT", "sentence": "Say why now.", "evidence": "`invite` gives no reason.", "steps": ["invite"]}
    ],
}
"""What a model thinks of examples/campaigns/check-up.yaml."""
USAGE = (100, 20, 60)
"""The input, output and cached tokens of every answer."""
ORDERS: list[dict[str, Any]] = [{"order": "O-7"}, {"order": "O-8"}]
"""The arguments of the calls of find_order."""

LIMITS = {
    "x-ratelimit-limit-requests": "500",
    "x-ratelimit-remaining-requests": "499",
    "x-ratelimit-reset-requests": "120ms",
    "x-ratelimit-limit-tokens": "30000",
    "x-ratelimit-remaining-tokens": "0",
    "x-ratelimit-reset-tokens": "1m1.5s",
}
ANTHROPIC_LIMITS = {
    f"anthropic-ratelimit-{what}-{kind}": value
    for what, values in {"requests": ("500", "499", "2099-01-01T00:00:00Z"), "tokens": ("30000", "0", "soon")}.items()
    for kind, value in zip(("limit", "remaining", "reset"), values, strict=True)
}

# What an answer holds: (text, number of calls, why it stopped). The reasons have the names of Chat Completions.
ANSWERS: dict[str, tuple[str, int, str]] = {
    "text": (TEXT, 0, "stop"),
    "tool": ("", 1, "tool_calls"),
    "tools": ("Let me look.", 2, "tool_calls"),
    "object": (OBJECT, 0, "stop"),
    "persona": (json.dumps(PERSONA), 0, "stop"),
    "review": (json.dumps(REVIEW), 0, "stop"),
    "large": (LARGE, 0, "stop"),
    "surrogate": ("\ud83d\0!", 0, "stop"),
    "empty": ("", 0, "stop"),
    "truncated": (TEXT[:5], 0, "length"),
    "declined": ("I cannot help with that.", 0, "content_filter"),
    "unreadable": ("", 1, "tool_calls"),
}


def anthropic(name: str) -> dict[str, Any]:
    """The answer of /v1/messages."""
    text, calls, stop = ANSWERS[name]
    reasons = {"stop": "end_turn", "tool_calls": "tool_use", "length": "max_tokens", "content_filter": "refusal"}
    uses = [
        {"type": "tool_use", "id": f"toolu_{n}", "name": "find_order", "input": _arguments(name, n)}
        for n in range(calls)
    ]
    into, out, cached = USAGE
    usage = {"input_tokens": into - cached - 10, "cache_read_input_tokens": cached, "cache_creation_input_tokens": 10}
    content = [*({"type": "text", "text": text} for _ in [0] if text), *uses]
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": name,
        "content": content,
        "stop_reason": reasons[stop],
        "stop_sequence": None,
        "usage": usage | {"output_tokens": out},
    }


def chat(name: str) -> dict[str, Any]:
    """The answer of /chat/completions."""
    text, calls, stop = ANSWERS[name]
    message: dict[str, Any] = {"role": "assistant", "content": text or None, "refusal": None}
    if calls:
        message["tool_calls"] = [
            {
                "id": f"call_{n}",
                "type": "function",
                "function": {"name": "find_order", "arguments": _written(name, n)},
            }
            for n in range(calls)
        ]
    into, out, cached = USAGE
    usage = {"prompt_tokens": into, "completion_tokens": out, "prompt_tokens_details": {"cached_tokens": cached}}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": name,
        "choices": [{"index": 0, "message": message, "finish_reason": stop}],
        "usage": usage,
    }


def responses(name: str) -> dict[str, Any]:
    """The answer of /responses."""
    text, calls, stop = ANSWERS[name]
    said = {"type": "refusal", "refusal": text} if stop == "content_filter" else {"type": "output_text", "text": text}
    output: list[dict[str, Any]] = [{"type": "reasoning", "id": "rs_1", "summary": []}]
    output += [{"type": "message", "role": "assistant", "content": [said]} for _ in [0] if text]
    output += [
        {"type": "function_call", "call_id": f"call_{n}", "name": "find_order", "arguments": _written(name, n)}
        for n in range(calls)
    ]
    into, out, cached = USAGE
    return {
        "id": "resp_1",
        "status": "incomplete" if stop == "length" else "completed",
        "incomplete_details": {"reason": "max_output_tokens"} if stop == "length" else None,
        "output": output,
        "usage": {"input_tokens": into, "output_tokens": out, "input_tokens_details": {"cached_tokens": cached}},
    }


def ollama(name: str) -> dict[str, Any]:
    """The answer of /api/chat."""
    text, calls, stop = ANSWERS[name]
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if calls:
        message["tool_calls"] = [
            {"function": {"name": "find_order", "arguments": _arguments(name, n)}} for n in range(calls)
        ]
    return {
        "model": name,
        "message": message,
        "done": True,
        "done_reason": "length" if stop == "length" else "stop",
        "prompt_eval_count": USAGE[0],
        "eval_count": USAGE[1],
    }


def anthropic_parts(whole: dict[str, Any]) -> Iterator[Any]:
    """An answer of /v1/messages as events."""
    usage = {**whole["usage"], "output_tokens": 1}
    yield {"type": "message_start", "message": {**whole, "content": [], "stop_reason": None, "usage": usage}}
    yield {"type": "ping"}
    for index, block in enumerate(whole["content"]):
        text = block["type"] == "text"
        empty: dict[str, Any] = {"text": ""} if text else {"input": {}}
        yield {"type": "content_block_start", "index": index, "content_block": {**block, **empty}}
        for half in _halves(block["text"] if text else json.dumps(block["input"])):
            delta = {"type": "text_delta", "text": half} if text else {"type": "input_json_delta", "partial_json": half}
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    usage = {"output_tokens": whole["usage"]["output_tokens"]}
    yield {"type": "message_delta", "delta": {"stop_reason": whole["stop_reason"]}, "usage": usage}
    yield {"type": "message_stop"}


def chat_parts(whole: dict[str, Any]) -> Iterator[Any]:
    """An answer of /chat/completions as chunks."""
    [choice] = whole["choices"]
    message = choice["message"]
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": half} for half in _halves(message["content"] or "")]
    for index, call in enumerate(message.get("tool_calls") or ()):
        function = call["function"]
        deltas.append({"tool_calls": [{**call, "index": index, "function": {**function, "arguments": ""}}]})
        halves = _halves(function["arguments"])
        deltas += [{"tool_calls": [{"index": index, "function": {"arguments": half}}]} for half in halves]
    for delta in deltas:
        yield {"choices": [{"index": 0, "delta": delta, "finish_reason": None}], "usage": None}
    yield {"choices": [{"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}], "usage": None}
    yield {"choices": [], "usage": whole["usage"]}


def responses_parts(whole: dict[str, Any]) -> Iterator[Any]:
    """An answer of /responses as events."""
    yield {"type": "response.created", "response": {"status": "in_progress"}}
    yield {"type": "response.output_text.delta", "delta": "It"}
    yield {"type": f"response.{whole['status']}", "response": whole}


def ollama_parts(whole: dict[str, Any]) -> Iterator[Any]:
    """An answer of /api/chat as lines."""
    message = whole["message"]
    for half in _halves(message["content"]):
        yield {"message": {"role": "assistant", "content": half}, "done": False}
    for call in message.get("tool_calls") or ():
        yield {"message": {"role": "assistant", "content": "", "tool_calls": [call]}, "done": False}
    yield {**whole, "message": {"role": "assistant", "content": ""}}


def _halves(text: str) -> Sequence[str]:
    return [half for half in (text[: len(text) // 2], text[len(text) // 2 :]) if half]


# By path: the whole answer, its parts in a stream, the rate limits.
PATHS: dict[str, tuple[Callable[[str], Any], Callable[[Any], Iterator[Any]], dict[str, str]]] = {
    "/v1/messages": (anthropic, anthropic_parts, ANTHROPIC_LIMITS),
    "/v1/chat/completions": (chat, chat_parts, LIMITS),
    "/v1/responses": (responses, responses_parts, LIMITS),
    "/api/chat": (ollama, ollama_parts, {}),
}
asked: list[dict[str, Any]] = []


def judged(body: dict[str, Any], cites: int) -> str:
    """A judge's answer: the first verdict of each criterion. cites: the turn that it cites; 0: the first."""
    asked = "\n".join(_texts(body))
    control = re.findall("`control`: the text `([0-9a-f]+)`", asked)[0]
    turn = cites or int(re.findall(r'^\{"turn": (\d+)', asked, re.MULTILINE)[0])
    found = re.findall(r"^- `(\w+)`: (?:(?!^- `).)*?  Verdicts:\n  - `(\w+)`", asked, re.MULTILINE | re.DOTALL)
    verdicts = {name: {"explanation": "Seen.", "turns": [turn], "verdict": one} for name, one in found}
    return json.dumps({"control": control, **verdicts})


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)


def _arguments(name: str, number: int) -> Any:
    return {"order": float("nan")} if name == "unreadable" else ORDERS[number]


def _written(name: str, number: int) -> str:
    return '{"order": O-7' if name == "unreadable" else json.dumps(ORDERS[number])


async def answer(request: web.Request) -> web.StreamResponse:
    """Do what the model's name says."""
    body = await request.json()
    asked.append({"path": request.path, "headers": dict(request.headers), "body": body})
    name, _, seconds = body["model"].partition("@")
    await asyncio.sleep(float(seconds or 0))
    make, parts, limits = PATHS[request.path]
    if name.startswith("judge"):
        ANSWERS[name] = judged(body, int(name.partition("-")[2] or 0)), 0, "stop"
    if name.isdecimal():
        return _failing(int(name), request, limits)
    match name:
        case "hang":
            await asyncio.Event().wait()
        case "broken":
            return web.Response(text='{"id": "1", "cho', content_type="application/json")
        case "strange":
            return web.json_response([{"choices": "none"}])
        case "nested":
            return web.Response(text="[" * 100_000, content_type="application/json")
        case "cut":
            return await _cut(request)
        case "moved":
            raise web.HTTPTemporaryRedirect("http://169.254.0.1/elsewhere")
        case _:
            pass
    if body.get("stream"):
        return await _streamed(request, list(parts(make(name.removeprefix("half-")))), half=name.startswith("half-"))
    return web.json_response(make(name), headers=limits)


async def _streamed(request: web.Request, parts: Sequence[Any], *, half: bool) -> web.StreamResponse:
    """Send the parts, or all but the last and what follows it."""
    events = request.path != "/api/chat"
    response = web.StreamResponse(headers={"content-type": "text/event-stream" if events else "application/x-ndjson"})
    await response.prepare(request)
    for part in parts[:-2] if half else parts:
        line = json.dumps(part)
        await response.write((f"event: some\ndata: {line}\n\n" if events else f"{line}\n").encode())
    if request.path == "/v1/chat/completions" and not half:
        await response.write(b"data: [DONE]\n\n")
    return response


def _failing(status: int, request: web.Request, limits: dict[str, str]) -> web.Response:
    """An error that quotes the key, as some servers do."""
    key = request.headers.get("authorization", "") + request.headers.get("x-api-key", "")
    said = {"error": {"message": f"No {request.path} for {key}, sk-...abcd or sk-proj-0123456789: {'long ' * 200}"}}
    if status == 402:
        return web.json_response({"error": {"code": "insufficient_quota", "message": "Pay first."}}, status=429)
    retry = {"retry-after": "7"} if status == 429 else {}
    return web.json_response(said, status=status, headers=limits | retry)


async def _cut(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-length": "1000"})
    await response.prepare(request)
    await response.write(b'{"id": ')
    assert request.transport is not None
    request.transport.abort()
    return response


async def describe(request: web.Request) -> web.Response:
    """Say whether it has a model, as all three vendors do."""
    name = request.match_info.get("model") or (await request.json())["model"]
    known = name != "missing"
    return web.json_response({} if known else {"error": f"model '{name}' not found"}, status=200 if known else 404)


async def journal(_request: web.Request) -> web.Response:
    """The requests since the last call."""
    text = json.dumps(asked)
    asked.clear()
    return web.Response(text=text, content_type="application/json")


async def main() -> None:
    """Serve until killed."""
    app = web.Application(client_max_size=16 << 20)
    app.add_routes([web.post(path, answer) for path in PATHS])
    app.add_routes([web.get("/v1/models/{model}", describe), web.post("/api/show", describe)])
    app.add_routes([web.get("/asked", journal)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    print(f"The stub listens on 127.0.0.1:{port}", flush=True)  # noqa: T201
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
