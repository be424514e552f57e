"""llama.cpp's own server with one model, until killed: `python llama_server.py GGUF KEY`. Needs xllamacpp."""

import signal
import sys

import xllamacpp

parameters = xllamacpp.CommonParams()
parameters.model.path, key = sys.argv[1:]
parameters.hostnames = ["127.0.0.1"]
parameters.port = 0
parameters.api_keys = [key]
parameters.n_ctx = 32_768
parameters.n_parallel = 2
parameters.use_jinja = True
# More threads than idle cores make it many times slower.
parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
server = xllamacpp.Server(parameters)
print(f"The model listens on {server.listening_address.removeprefix('http://')}", flush=True)  # noqa: T201
signal.pause()
