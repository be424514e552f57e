"""docker-compose.yml without containers: every command in it, with its environment, as a process on a real PostgreSQL.

What a container gets from its network is mapped to this machine, and nothing else is changed:

    GREENROOM_HOST 0.0.0.0            loopback
    GREENROOM_PORT                    a free port; both of a service would otherwise listen on the same
    GREENROOM_DATA_DIR /data          a folder of the test's; the image sets it
    postgres:5432/testdata            a database for each service in the test's PostgreSQL, by its socket
    dns:///synthesizers:9003          the addresses of both synthesizers, as the name would resolve to
    ${GREENROOM_JWT_SECRET:?…}        a secret of the test's, as ${POSTGRES_PASSWORD:?…}
"""

import asyncio
import os
import re
import sys
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import jwt
import yaml

from greenroom.client import connect
from tests.postgres import PostgresServer
from tests.processes import ROOT, Service, service
from tests.rehearsals import Row, batch_spec, import_rehearsal, over, rows

SECRET = "a secret for the tests of 32 bytes and more"
VARIABLE = re.compile(r"\$\{(\w+)[^}]*\}")
DATABASE = re.compile(r"@postgres:5432/(\w+)$")
ADDRESS = re.compile(r"dns:///(\w+)s:\d+")


def composition() -> dict[str, Any]:
    """The compose file."""
    read: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return read


def composed() -> dict[str, Any]:
    """The services that are started by commands of ours."""
    return {name: service for name, service in composition()["services"].items() if "command" in service}


def mapped(
    environment: Mapping[str, str], databases: Mapping[str, str], running: Mapping[str, Service], folder: Path
) -> dict[str, str]:
    """A container's environment on this machine. databases: the URL of each by its name."""
    values = {"GREENROOM_JWT_SECRET": SECRET, "POSTGRES_PASSWORD": "unused"}
    filled = {name: VARIABLE.sub(lambda found: values[found[1]], value) for name, value in environment.items()}
    filled |= {"GREENROOM_HOST": "127.0.0.1", "GREENROOM_PORT": "0", "GREENROOM_DATA_DIR": str(folder)}
    for name, value in filled.items():
        if database := DATABASE.search(value):
            filled[name] = databases[database[1]]
        elif address := ADDRESS.fullmatch(value):
            both = [one.address for other, one in running.items() if other.startswith(address[1])]
            assert len(both) == 2
            filled[name] = f"ipv4:{','.join(both)}"
    return filled


async def is_healthy(one: Service) -> bool:
    """What the container's health check says."""
    check = await asyncio.create_subprocess_exec(
        *(sys.executable, "tools/healthcheck.py"), cwd=ROOT, env={**os.environ, "GREENROOM_PORT": str(one.port)}
    )
    return await check.wait() == 0


async def test_the_composed_services_rehearse_a_batch_through_the_gateway(
    postgres: PostgresServer, undisturbed: Mapping[int, Row], tmp_path: Path
) -> None:
    parts, made = composed(), composition()["configs"]["databases"]["content"]
    names = ["synthesizer", *re.findall(r"CREATE DATABASE (\w+);", made)]
    databases = {name: postgres.create_database() for name in names}
    claims = {"sub": "somebody", "company": "acme", "permissions": ["*"], "exp": time.time() + 3600}
    running: dict[str, Service] = {}
    async with AsyncExitStack() as stack:
        # In the order of depends_on: the gateway waits for the others.
        for name in sorted(parts, key=lambda name: "synthesizer" in parts[name].get("depends_on", {})):
            command = parts[name]["command"]
            assert command[:2] == ["python", "-m"]
            environment = mapped(parts[name]["environment"], databases, running, tmp_path)
            running[name] = await stack.enter_async_context(service(command[2], environment))
            assert await is_healthy(running[name])
        assert sorted(running) == ["gateway", "synthesizer", "synthesizer-standby", "testdata", "testdata-standby"]

        token = jwt.encode(claims, SECRET, "HS256")
        async with connect(running["gateway"].address, token=token) as client:
            await import_rehearsal(client, tmp_path)
            batch = await client.batches.start(batch_spec())
            assert batch.creator == "somebody"
            await over(client, batch.name)
            assert await rows(client, batch.name) == undisturbed
            assert (await client.traces.workflows.get("workflows/ecommerce")).workflow.built_in

        for one in running.values():
            one.stop()
        assert [await one.died() for one in running.values()] == [0] * len(running)
