"""Prompts: files with a head, which has the version of the text, and the text that a model gets."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources.abc import Traversable

_FILE = re.compile(r"---\nversion: ([1-9][0-9]*)\n---\n(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Prompt:
    """One or more prompt files as one text.

    text: without their heads. versions: of each file, which whoever changes its text raises.
    digest: the first 12 hexadecimal digits of the SHA-256 of the files, with their heads, one after the other.
    """

    text: str
    versions: Sequence[int]
    digest: str


def read_prompt(*files: Traversable) -> Prompt:
    """The prompt of these files. Raises ValueError if one does not begin with a head."""
    texts = [file.read_text() for file in files]
    found = [_FILE.fullmatch(text) for text in texts]
    parts = [(int(one[1]), one[2]) for one in found if one is not None]
    if len(parts) < len(files):
        raise ValueError("a prompt file must begin with the lines ---, version: N and ---")
    return Prompt(
        text="".join(text for _, text in parts),
        versions=tuple(version for version, _ in parts),
        digest=sha256("".join(texts).encode()).hexdigest()[:12],
    )
