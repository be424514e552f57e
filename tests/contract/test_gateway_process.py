"""`python -m services.gateway`, as a container runs it."""

import asyncio
import os
import re
import signal
import sys

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc


async def start(**environment: str) -> asyncio.subprocess.Process:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GREENROOM_")}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.gateway"),
        env={**kept, "GREENROOM_PORT": "0", **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def test_it_says_where_it_listens_answers_and_ends_when_told() -> None:
    process = await start()
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    address = re.fullmatch(r"gateway listens on (127\.0\.0\.1:\d+)\n", line)
    assert address is not None, line

    async with grpc.aio.insecure_channel(address[1]) as channel:
        answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
    assert answer.status == health_pb2.HealthCheckResponse.SERVING

    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0


async def test_a_setting_that_is_wrong_is_one_sentence_without_its_value() -> None:
    process = await start(GREENROOM_PORT="s3cret")

    _, stderr = await process.communicate()

    assert process.returncode == 1
    assert stderr.decode().startswith("GREENROOM_PORT is not valid: ")
    assert len(stderr.splitlines()) == 1


async def test_it_refuses_to_listen_everywhere_unprotected() -> None:
    process = await start(GREENROOM_HOST="0.0.0.0")

    _, stderr = await process.communicate()

    assert process.returncode == 1
    assert stderr.decode().startswith("Greenroom will not listen on 0.0.0.0")
