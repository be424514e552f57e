"""A customer behind a webhook, in FastAPI: it plays the user in rehearsals of an agent.

Start it with `.venv/bin/python examples/agents/customer.py`. While it runs, let it talk to the built-in agent with
`.venv/bin/greenroom batches start examples/returns/batch.yaml --persona-target http:http://127.0.0.1:8081/act`.
"""

import re
import socket
import sys
from typing import Any

import uvicorn
from fastapi import FastAPI, HTTPException

app = FastAPI()


@app.post("/act")
def act(request: dict[str, Any]) -> dict[str, Any]:
    """What the customer does next. It is stateless: each request has all that was said, and who the customer is."""
    if "persona" not in request:
        raise HTTPException(400, "This is a customer, not an agent; name it as the persona target.")
    events = request.get("events", [])  # JSON leaves empty fields out
    said = [event["user_message"].get("text", "") for event in events if "user_message" in event]
    heard = [event["agent_message"]["text"] for event in events if "agent_message" in event]
    if not said:
        return {"say": {"text": request["persona"].get("goal") or "Hello, I need help."}}
    left = [fact for fact in request["persona"].get("facts", []) if fact["answer"] not in said]
    if not left or "goodbye" in heard[-1].lower():
        return {"end": {"text": "Thanks, bye."}}
    best = max(left, key=lambda fact: len(words(fact.get("asked", "")) & words(heard[-1])))
    thoughts = {"reasoning": "It was asked.", "sentiment": "SENTIMENT_NEUTRAL", "likely_to_convert": 50}
    return {"say": {"text": best["answer"]}, "thoughts": thoughts}


def words(text: str) -> set[str]:
    """The words of a text, by which the customer finds what the real one answered to a similar question."""
    return set(re.findall(r"\w+", text.lower()))


if __name__ == "__main__":
    port = sys.argv[1] if len(sys.argv) > 1 else "8081"
    try:
        listening = socket.create_server(("127.0.0.1", int(port)))
    except (OSError, ValueError, OverflowError):
        sys.exit(f"Cannot listen on port {port}; give a free one as the argument.")
    print(f"The customer listens on 127.0.0.1:{listening.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listening])
