"""`python -m services.gateway`, as a container runs it."""

import asyncio
import os
import re
import signal
import sys
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc


async def start(service: str = "gateway", **environment: str) -> asyncio.subprocess.Process:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GREENROOM_")}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"services.{service}"),
        env={**kept, "GREENROOM_PORT": "0", **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def test_it_prints_its_address_answers_and_stops_on_sigterm(tmp_path: Path) -> None:
    process = await start(GREENROOM_DATA_DIR=str(tmp_path))
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    address = re.fullmatch(r"gateway listens on (127\.0\.0\.1:\d+)\n", line)
    assert address is not None, line

    async with grpc.aio.insecure_channel(address[1]) as channel:
        answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
    assert answer.status == health_pb2.HealthCheckResponse.SERVING

    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0


async def test_an_invalid_setting_prints_one_sentence_without_the_value() -> None:
    process = await start(GREENROOM_PORT="s3cret")

    _, stderr = await process.communicate()

    assert process.returncode == 1
    assert stderr.decode().startswith("GREENROOM_PORT is not valid: ")
    assert len(stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("service", "setting", "value"),
    [
        ("gateway", "TESTDATA_ADDRESS", "s3cret"),
        ("gateway", "TLS_CA", "/dev/null"),
        ("synthesizer", "AGENT_HOSTS", '["s3cret"'),
        ("testdata", "TESTDATA_DATABASE_URL", "postgresql://u:s3cret@127.0.0.1/d?sslmode=s3cret"),
    ],
)
async def test_every_service_names_the_bad_setting_in_one_sentence(
    tmp_path: Path, service: str, setting: str, value: str
) -> None:
    process = await start(service, **{"GREENROOM_DATA_DIR": str(tmp_path), f"GREENROOM_{setting}": value})

    _, stderr = await process.communicate()

    assert process.returncode == 1
    assert stderr.decode().startswith(f"GREENROOM_{setting} is not valid: ")
    assert len(stderr.splitlines()) == 1
    assert b"s3cret" not in stderr


async def test_it_refuses_to_listen_on_all_addresses_without_protection() -> None:
    process = await start(GREENROOM_HOST="0.0.0.0")

    _, stderr = await process.communicate()

    assert process.returncode == 1
    assert stderr.decode().startswith("Greenroom will not listen on 0.0.0.0")
