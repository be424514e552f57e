"""A bot that speaks Chat Completions, as most do, in FastAPI, which `make setup` installs with uvicorn.

Start it with `.venv/bin/python examples/agents/openai_bot.py`. While it runs, rehearse it with
`.venv/bin/greenroom batches start examples/agents/batch.yaml --agent openai:http://127.0.0.1:8080/v1`.
"""

import json
import re
import socket
import sys
from typing import Any

import uvicorn
from fastapi import FastAPI

app = FastAPI()


def answer(messages: list[dict[str, Any]]) -> dict[str, Any]:
    """Finds the order and hands over to a colleague. It is stateless: each request has the whole dialogue."""
    said = " ".join(message["content"] for message in messages if message["role"] == "user")
    order, email = re.search(r"LH-\d{5}", said), re.search(r"\S+@[\w.-]+\w", said)
    found = [json.loads(message["content"]) for message in messages if message["role"] == "tool"]
    if order is None:
        return text("What is your order number? It begins with LH.")
    if email is None:
        return text("And the e-mail address you ordered with?")
    if not found:
        return call("find_order", order_id=order[0], email=email[0])
    if "error" in found[-1]:
        return text("I can't find that order. A colleague will call you.")
    return text(f"I see {found[-1]['item']}. A colleague will take it from here, goodbye!")


def text(content: str | None) -> dict[str, Any]:
    """A message with a text."""
    return {"role": "assistant", "content": content, "refusal": None}


def call(tool: str, **arguments: str) -> dict[str, Any]:
    """A message with a tool call."""
    function = {"name": tool, "arguments": json.dumps(arguments)}
    return {**text(None), "tool_calls": [{"id": "1", "type": "function", "function": function}]}


@app.post("/v1/chat/completions")
async def complete(body: dict[str, Any]) -> dict[str, Any]:
    """The bot's next message."""
    message = answer(body["messages"])
    reason = "tool_calls" if "tool_calls" in message else "stop"
    choice = {"index": 0, "message": message, "finish_reason": reason, "logprobs": None}
    return {"id": "1", "object": "chat.completion", "created": 0, "model": body["model"], "choices": [choice]}


if __name__ == "__main__":
    port = sys.argv[1] if len(sys.argv) > 1 else "8080"
    try:
        listening = socket.create_server(("127.0.0.1", int(port)))
    except (OSError, ValueError, OverflowError):
        sys.exit(f"Cannot listen on port {port}; give a free one as the argument.")
    with listening:
        print(f"The bot listens on 127.0.0.1:{listening.getsockname()[1]}", flush=True)
        uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listening])
