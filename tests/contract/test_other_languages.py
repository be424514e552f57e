"""The folder `protos` alone is enough for Go, Node and Java, and agents in Go and Node are rehearsed."""

import asyncio
import os
import re
import shutil
import subprocess
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cli.kit import specs
from cli.kit.agents import set_agent
from greenroom.synthesizer.v1 import batch_pb2
from tests.programs import node_module, program
from tests.rehearsals import over
from tests.suite import EXAMPLES, Suite, suite

STARTS_FAST = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""Options of a Java machine that runs for some seconds only: a third of the processor time."""
OWN_AGENT = EXAMPLES.parent / "agents"
LOAD_ALL = """
const [root, ...files] = process.argv.slice(1);
const loaded = require("@grpc/proto-loader").loadSync(files, { includeDirs: [root] });
console.log(Object.keys(loaded).filter((name) => name.endsWith("Service")).sort().join("\\n"));
"""


@pytest.fixture(scope="module")
def protos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The contracts without the rest of the checkout."""
    alone = tmp_path_factory.mktemp("alone") / "protos"
    shutil.copytree(EXAMPLES.parents[1] / "protos", alone, ignore=shutil.ignore_patterns("gen", "breaking"))
    return alone


@pytest.fixture(scope="module")
async def greenroom(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Suite]:
    async with suite("sqlite", tmp_path_factory.mktemp("data")) as greenroom:
        await greenroom.client.procedures.import_file(EXAMPLES / "procedures.jsonl")
        await greenroom.client.sources.import_file(EXAMPLES / "sources.jsonl")
        yield greenroom


def files(protos: Path) -> list[Path]:
    return sorted(path.relative_to(protos) for path in (protos / "greenroom").rglob("*.proto"))


def services(protos: Path) -> list[str]:
    """The full names of all gRPC services."""
    found = []
    for file in files(protos):
        text = (protos / file).read_text()
        package = re.search(r"^package (\S+);", text, re.MULTILINE)
        assert package is not None
        found += [f"{package[1]}.{name}" for name in re.findall(r"^service (\w+)", text, re.MULTILINE)]
    return sorted(found)


def ran(*command: str | Path, folder: Path, **environment: str) -> str:
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def rehearsed(greenroom: Suite, *command: str | Path, agent: str = "{}", **environment: str) -> list[str]:
    """Why each conversation with this agent ended; all completed.

    command: the agent's last argument is its port. agent: as after `--agent`, with {} for the agent's address.
    """
    async with running(*command, "0", **environment) as address:
        spec = specs.read(OWN_AGENT / "batch.yaml", batch_pb2.BatchSpec())
        set_agent(spec.conversation.agent, agent.format(address))
        batch = await over(greenroom.client, (await greenroom.client.batches.start(spec)).name)
    assert (batch.counts.completed, batch.counts.failed) == (spec.size, 0)
    return [row.reason async for row in greenroom.client.batches.results(batch.name)]


@asynccontextmanager
async def running(*command: str | Path, **environment: str) -> AsyncIterator[str]:
    """The address that a program says it listens on."""
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, env={**os.environ, **environment})
    try:
        assert process.stdout is not None
        said = (await process.stdout.readline()).decode()
        found = re.search(r"listens on (\S+)", said)
        assert found is not None, said
        yield found[1]
    finally:
        process.terminate()
        await process.wait()


def test_buf_builds_and_lints_the_contracts_alone(protos: Path) -> None:
    for task in ("build", "lint"):
        ran(program("buf"), task, protos, folder=protos.parent)


def test_the_node_loader_reads_every_contract(protos: Path) -> None:
    modules = node_module("@grpc/proto-loader") / "node_modules"

    loaded = ran(program("node"), "-e", LOAD_ALL, protos, *files(protos), folder=protos, NODE_PATH=str(modules))

    assert loaded.split() == services(protos)


async def test_an_agent_in_node_is_rehearsed(protos: Path, greenroom: Suite) -> None:
    modules = node_module("@grpc/grpc-js", "@grpc/proto-loader") / "node_modules"
    agent = OWN_AGENT / "node" / "agent.js"

    reasons = await rehearsed(greenroom, program("node"), agent, NODE_PATH=str(modules), PROTOS=str(protos))

    assert reasons.count("AGENT_ENDED") >= len(reasons) // 2


async def test_a_webhook_in_node_is_rehearsed(greenroom: Suite) -> None:
    webhook = EXAMPLES.parent / "agents" / "webhook.mjs"

    reasons = await rehearsed(greenroom, program("node"), webhook, agent="http:http://{}/act")

    assert reasons.count("AGENT_ENDED") >= len(reasons) // 2


async def test_go_compiles_every_contract_and_an_agent_in_go_is_rehearsed(
    protos: Path, greenroom: Suite, tmp_path: Path
) -> None:
    for name in ("go", "protoc-gen-go", "protoc-gen-go-grpc"):
        program(name)
    module = tmp_path / "agent"
    shutil.copytree(OWN_AGENT / "go", module, ignore=shutil.ignore_patterns("gen"))

    ran(program("buf"), "generate", protos, folder=module)
    ran("go", "vet", "./...", folder=module)
    ran("go", "build", "-o", "agent", ".", folder=module)
    reasons = await rehearsed(greenroom, module / "agent")

    stubs = "\n".join(path.read_text() for path in module.rglob("*_grpc.pb.go"))
    assert sorted(re.findall(r'ServiceName: "(\S+)"', stubs)) == services(protos)
    assert reasons.count("AGENT_ENDED") >= len(reasons) // 2


def test_java_compiles_the_stubs_of_every_service(protos: Path, tmp_path: Path) -> None:
    shutil.copy(OWN_AGENT / "java" / "pom.xml", tmp_path)

    compile_it = ("--batch-mode", "--quiet", f"-Dprotos={protos}", "compile")
    ran(program("mvn"), *compile_it, folder=tmp_path, MAVEN_OPTS=STARTS_FAST)

    classes = tmp_path / "target" / "classes"
    for service in services(protos):
        assert (classes / f"{service.replace('.', '/')}Grpc.class").exists()
