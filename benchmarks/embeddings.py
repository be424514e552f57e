"""Starts Ollama with all-MiniLM-L6-v2, a small embedding model, which .ci/run puts into the cache folder."""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL, PIPE

MODEL = "all-minilm"
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "greenroom"
_PROGRAM, _WEIGHTS = _CACHE / "bin" / "ollama", _CACHE / "minilm.gguf"


def missing() -> str:
    """Why there is no embedding server, as a sentence; "" if there is one."""
    lacking = [str(file) for file in (_PROGRAM, _WEIGHTS) if not file.exists()]
    return f"{' and '.join(lacking)} missing; .ci/run puts them there." if lacking else ""


@contextmanager
def embedding_server() -> Iterator[str]:
    """The address of Ollama, which has the model as `all-minilm`. It uses one thread: more than idle cores are slow."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "HOME": folder, "OLLAMA_MODELS": f"{folder}/models", "OLLAMA_NO_CLOUD": "1"}
        command = [str(_PROGRAM), "serve"]
        process = subprocess.Popen(
            command, env={**environment, "OLLAMA_HOST": "127.0.0.1:0"}, stdout=DEVNULL, stderr=PIPE, text=True
        )
        try:
            assert process.stderr is not None
            found = next(filter(None, (re.search(r"Listening on (\S+:\d+)", line) for line in process.stderr)), None)
            if found is None:
                raise RuntimeError("Ollama ended before it listened")
            (file := Path(folder) / "Modelfile").write_text(f"FROM {_WEIGHTS}\nPARAMETER num_thread 1\n")
            subprocess.run(
                [_PROGRAM, "create", MODEL, "-f", file],
                env={**environment, "OLLAMA_HOST": found[1]},
                stderr=DEVNULL,
                check=True,
            )
            yield f"http://{found[1]}"
        finally:
            process.kill()
            process.wait()
