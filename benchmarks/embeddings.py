"""Starts servers of embeddings: Ollama with all-MiniLM-L6-v2, a small model that .ci/run puts into the cache folder; or
one that counts words, to measure time.
"""

import asyncio
import multiprocessing
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from subprocess import DEVNULL, PIPE
from zlib import crc32

import numpy as np
from aiohttp import web

MODEL = "all-minilm"
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "greenroom"
_NUMBERS = 384
"""Numbers of a vector, as many as those of all-MiniLM-L6-v2."""
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


@contextmanager
def counting_server() -> Iterator[str]:
    """The address of a server in its own process that answers like Ollama, with vectors that count words."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.kill()
        process.join()


def _serve(port: Connection) -> None:
    asyncio.run(_serving(port))


async def _serving(port: Connection) -> None:
    app = web.Application(client_max_size=16 << 20)
    app.add_routes([web.post("/api/show", _show), web.post("/api/embed", _embed)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port.send(runner.addresses[0][1])
    await asyncio.Event().wait()


async def _show(_: web.Request) -> web.Response:
    return web.json_response({})


async def _embed(request: web.Request) -> web.Response:
    body = await request.json()
    vectors = [_counted(text) for text in body["input"]]
    return web.json_response({"model": body["model"], "embeddings": vectors, "prompt_eval_count": 1})


def _counted(text: str) -> list[float]:
    numbers = np.full(_NUMBERS, 0.01)
    np.add.at(numbers, [crc32(word.encode()) % _NUMBERS for word in text.split()], 1)
    found: list[float] = numbers.tolist()
    return found
