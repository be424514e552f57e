"""docker-compose.yml without containers: every command in it, with its environment, as a process on a real PostgreSQL.

Only what a container gets from its network is replaced:

    GREENROOM_HOST 0.0.0.0            loopback
    GREENROOM_PORT                    a free port, because both replicas of a service have the same one
    GREENROOM_DATA_DIR /data          a folder of the test; the image sets it
    postgres:5432/testdata            a database per service in the test's PostgreSQL, by its socket
    dns:///synthesizers:9003          the addresses of both synthesizers, to which the name resolves
    ${GREENROOM_JWT_SECRET:?…}        a secret of the test, as for the key of the house and the database's password
"""

import asyncio
import os
import re
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import jwt
import yaml
from pydantic import SecretStr

from greenroom.client import connect
from greenroom.evaluator.v1.evaluation_pb2 import Evaluation, EvaluationSpec
from shared.db.opening import open_store
from shared.roster import GATEWAY, PEERS, SERVICES
from tests.forks import ROOT
from tests.postgres import PostgresServer, private_postgres
from tests.processes import PATIENCE, Service, service
from tests.rehearsals import Row, batch_spec, import_rehearsal, over, rows
from tests.unit.rpc.certificates import write_certificate

SECRET = "a secret for the tests of 32 bytes and more"
HOUSE_KEY = "a key of the house of the tests, which is long enough"
VARIABLE = re.compile(r"\$\{(\w+)[^}]*\}")
DATABASE = re.compile(r"@postgres:5432/(\w+)$")
ADDRESS = re.compile(r"dns:///(\w+)s:\d+")


def composition() -> dict[str, Any]:
    """The compose file."""
    read: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return read


def composed() -> dict[str, Any]:
    """The services that our own commands start."""
    return {name: service for name, service in composition()["services"].items() if "command" in service}


def mapped(
    environment: Mapping[str, str], databases: Mapping[str, str], running: Mapping[str, Service], folder: Path
) -> dict[str, str]:
    """A container's environment on this machine. databases: the URL of each by its name."""
    values = {"GREENROOM_JWT_SECRET": SECRET, "GREENROOM_HOUSE_KEY": HOUSE_KEY, "GREENROOM_DATABASE_PASSWORD": "unused"}
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


async def is_healthy(one: Service, **environment: str) -> bool:
    """The result of the container's health check."""
    check = await asyncio.create_subprocess_exec(
        *(sys.executable, "tools/healthcheck.py"),
        cwd=ROOT,
        env={**os.environ, "GREENROOM_PORT": str(one.port), **environment},
    )
    return await check.wait() == 0


async def test_the_composed_services_rehearse_a_batch_through_the_gateway(
    postgres: PostgresServer, undisturbed: Mapping[int, Row], tmp_path: Path
) -> None:
    parts, made = composed(), composition()["configs"]["databases"]["content"]
    names = re.findall(r"CREATE DATABASE (\w+) OWNER greenroom;", made)
    databases = {name: postgres.create_database() for name in names}
    claims = {"sub": "somebody", "company": "acme", "permissions": ["*"], "exp": time.time() + 3600}
    running: dict[str, Service] = {}
    async with AsyncExitStack() as stack:
        # Start in the order of depends_on: the evaluators start after the synthesizers, the gateway after all.
        for name in sorted(parts, key=lambda name: len(parts[name].get("depends_on", {}))):
            command = parts[name]["command"]
            assert command[:2] == ["python", "-m"]
            environment = mapped(parts[name]["environment"], databases, running, tmp_path)
            running[name] = await stack.enter_async_context(service(command[2], environment))
            assert await is_healthy(running[name])
        twice = [name for peer in PEERS for name in (peer.name, f"{peer.name}-standby")]
        assert set(running) == {GATEWAY.name, *twice}

        token = jwt.encode(claims, SECRET, "HS256")
        async with connect(running["gateway"].address, timeout=PATIENCE, token=token) as client:
            await import_rehearsal(client, tmp_path)
            batch = await client.batches.start(batch_spec())
            assert batch.creator == "somebody"
            await over(client, batch.name)
            assert await rows(client, batch.name) == undisturbed
            assert (await client.traces.workflows.get("workflows/ecommerce")).workflow.built_in
            started = await client.evaluations.start(EvaluationSpec(batch=batch.name))
            async with client.evaluations.watch(started.name) as results:
                assert {one.index async for one in results} == set(undisturbed)
            assert results.summary is not None
            assert (results.summary.creator, results.summary.state) == ("somebody", Evaluation.STATE_COMPLETED)

        for one in running.values():
            one.stop()
        assert [await one.died() for one in running.values()] == [0] * len(running)


def test_every_container_is_confined() -> None:
    for name, container in composition()["services"].items():
        assert container["cap_drop"] == ["ALL"], name
        assert container["security_opt"] == ["no-new-privileges:true"], name
        assert container["read_only"], name
        assert container["mem_limit"], name
        assert container["pids_limit"], name


async def test_the_services_use_a_role_that_owns_its_databases_and_is_no_superuser() -> None:
    server = private_postgres()
    try:
        server.start()
        made = composition()["configs"]["databases"]["content"].replace("ROLE greenroom", "ROLE own")
        for statement in made.replace("OWNER greenroom", "OWNER own").strip().splitlines():
            server.sql(VARIABLE.sub("secret", statement))
        assert (
            server.sql("SELECT rolsuper OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = 'own'") == "f\n"
        )
        for one in SERVICES:
            url = SecretStr(f"postgresql://own:secret@/{one.name}?host={server.folder}")
            db = await open_store(one.settings(database_url=url), one.name, one.app.MIGRATIONS)
            await db.close()
        server.stop("immediate")
    finally:
        server.remove()


async def test_the_health_check_asks_a_server_with_tls(tmp_path: Path) -> None:
    cert, key = write_certificate(tmp_path)
    settings = {"GREENROOM_TLS_CERT": str(cert), "GREENROOM_TLS_KEY": str(key), "GREENROOM_DATA_DIR": str(tmp_path)}
    async with service("services.gateway", settings) as one:
        assert await is_healthy(one, **settings)


async def test_the_health_check_fails_while_the_server_does_not_answer(tmp_path: Path) -> None:
    async with service("services.gateway", {"GREENROOM_DATA_DIR": str(tmp_path)}) as one:
        assert await is_healthy(one)
        one.process.send_signal(signal.SIGSTOP)
        assert not await is_healthy(one)
        one.process.send_signal(signal.SIGCONT)
