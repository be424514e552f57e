"""The settings of vendors: what is refused before any call, and that nothing shows a key."""

import subprocess
import sys

import pytest

from shared.hosts import AllowedHosts
from shared.llm.providers import PROVIDERS, Models

CANARY = "sk-canary-4d1f0c2e"
NOTHING = {"OPENAI_API_KEY": "", "ANTHROPIC_API_KEY": "", "OLLAMA_API_KEY": ""}
WITH_KEY = NOTHING | {"GREENROOM_OPENAI_API_KEY": CANARY}


def problem(
    monkeypatch: pytest.MonkeyPatch, name: str, environment: dict[str, str], allowed: AllowedHosts | None = None
) -> str:
    """Why the model cannot be called, "" if it can."""
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    found = Models(PROVIDERS, lambda model, _: model, allowed or AllowedHosts()).problem(name)
    assert CANARY not in str(found)
    return str(found or "")


@pytest.mark.parametrize(
    ("name", "environment", "says"),
    [
        ("gpt:x", {}, "There is no model gpt:x; name one as anthropic:MODEL, openai:MODEL or ollama:MODEL."),
        ("openai", {}, "There is no model openai"),
        ("openai:x", {}, "api.openai.com needs a key; set GREENROOM_OPENAI_API_KEY to one"),
        ("anthropic:x", {}, "api.anthropic.com needs a key; set GREENROOM_ANTHROPIC_API_KEY to one"),
        ("openai:x", {"GREENROOM_OPENAI_API_KEY": f"{CANARY}\r\nX-Evil: 1"}, "of visible characters without spaces"),
        (
            "openai:x",
            {"GREENROOM_OPENAI_BASE_URL": "https://models.example.com/v1"},
            "GREENROOM_OPENAI_BASE_URL leads to models.example.com, but must lead to "
            "api.openai.com, a host that GREENROOM_MODEL_HOSTS names.",
        ),
        ("openai:x", {"GREENROOM_OPENAI_BASE_URL": f"https://u:{CANARY}@h/"}, "GREENROOM_OPENAI_BASE_URL is not valid"),
        ("openai:x", {"GREENROOM_OPENAI_BASE_URL": "file:///etc/passwd"}, "it must be an address such as"),
        ("openai:x", {"GREENROOM_OPENAI_HEADERS": '{"X-A": 1}'}, "it must be a JSON object of header names and texts"),
        ("openai:x", {"GREENROOM_OPENAI_HEADERS": f'{{"X-A": "{CANARY}\\n"}}'}, "it must be a JSON object of header"),
        ("openai:x", {"GREENROOM_OPENAI_API": "soap"}, "GREENROOM_OPENAI_API is not valid"),
        ("openai:x", {"GREENROOM_OPENAI_TIMEOUT_SECONDS": "0"}, "GREENROOM_OPENAI_TIMEOUT_SECONDS is not valid"),
        ("ollama:x", {}, "GREENROOM_OLLAMA_BASE_URL leads to 127.0.0.1, but must lead to a host that"),
    ],
)
def test_settings_that_cannot_work_are_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str, environment: dict[str, str], says: str
) -> None:
    assert says in problem(monkeypatch, name, NOTHING | environment)


@pytest.mark.parametrize(
    ("name", "environment"),
    [
        ("openai:x", WITH_KEY),
        ("openai:x", NOTHING | {"OPENAI_API_KEY": CANARY + "\n"}),
        ("anthropic:x", NOTHING | {"ANTHROPIC_API_KEY": CANARY}),
        ("openai:x", NOTHING | {"GREENROOM_OPENAI_HEADERS": f'{{"Authorization": "Bearer {CANARY}"}}'}),
        ("openai:x", NOTHING | {"GREENROOM_OPENAI_BASE_URL": "http://models.example.com/v1/"}),
        ("ollama:x", NOTHING),
    ],
)
def test_settings_that_can_work_are_not_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, environment: dict[str, str]
) -> None:
    allowed = AllowedHosts(("models.example.com",), loopback=True)
    assert problem(monkeypatch, name, environment, allowed) == ""


def test_no_sdk_of_a_vendor_is_loaded_before_one_of_its_models_is_asked_for() -> None:
    loads = "import sys, services.synthesizer.app; print({'anthropic', 'openai', 'ollama', 'aiohttp'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", loads], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
