"""A pytest plugin with one fixture, `greenroom_rehearsal`, which rehearses and returns the verdict.

    def test_the_new_revision_is_as_good(greenroom_rehearsal):
        assert greenroom_rehearsal("rehearsal.yaml").good

The gateway is GREENROOM_ADDRESS (127.0.0.1:9000), with GREENROOM_TOKEN if it authenticates.
"""

import asyncio
import json
import os
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor, FieldDescriptor

    from greenroom.evaluator.v1.report_pb2 import Report
    from greenroom.gateway.v1.rehearsal_pb2 import Rehearsal, RehearsalSpec

_GOOD = ("PASSED", "BETTER", "AS_GOOD")
_SHOWN = 3


@dataclass(frozen=True)
class RehearsalResult:
    """A rehearsal that is over."""

    rehearsal: "Rehearsal"

    @property
    def report(self) -> "Report":
        """The report; empty if the rehearsal did not come to its end."""
        return self.rehearsal.result

    @property
    def verdict(self) -> str:
        """PASSED, BETTER, AS_GOOD, WORSE and so on; FAILED or CANCELLED without a report."""
        if not self.rehearsal.report:
            return type(self.rehearsal).State.Name(self.rehearsal.state).removeprefix("STATE_")
        return type(self.report).Verdict.Name(self.report.verdict).removeprefix("VERDICT_")

    @property
    def good(self) -> bool:
        """True if the threshold is reached, or the new side is as good as the baseline or better."""
        return self.verdict in _GOOD

    def __repr__(self) -> str:
        """The verdict with what explains it."""
        said = self.report.headline or f"{self.rehearsal.reason}: {self.rehearsal.detail}"
        lines = [f"{self.verdict}: {said}"]
        missed = [one for one in self.report.expectations if one.met.successes < one.met.total]
        missed.sort(key=lambda one: (one.p, one.met.value))
        for one in missed[:_SHOWN]:
            lines.append(f"  {one.id}: met by {one.met.successes} of {one.met.total}")
            example = next((each for each in self.report.examples if each.expectation == one.id), None)
            if example is not None:
                lines.append(f"    {example.conversation}: {example.detail}")
        lines.append(f"  {self.report.name or self.rehearsal.name}")
        return "\n".join(lines)


_RESULTS = pytest.StashKey[list[RehearsalResult]]()
"""The results of the test that runs now."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the verdicts of a test that fails, whole: pytest shortens what an assertion is about."""
    report = yield
    if call.when == "call" and (results := item.config.stash.get(_RESULTS, [])):
        report.sections.append(("Greenroom", "\n".join(map(repr, results))))
        results.clear()
    return report


@pytest.fixture(scope="session")
def greenroom_rehearsal(pytestconfig: pytest.Config) -> Callable[..., RehearsalResult]:
    """Rehearses what a spec says and returns the result: `greenroom_rehearsal(spec, **fields)`.

    spec: the path of a YAML or JSON file with the fields of RehearsalSpec, or a dict of them. Values of enums may be
    written short. fields: replace fields of it. Names must be full, such as `procedures/…`. The test fails with a
    sentence if the spec cannot be read. Raises greenroom.client.GreenroomError for a spec that is refused.
    """

    def rehearse(spec: str | Path | Mapping[str, Any], **fields: Any) -> RehearsalResult:
        content = spec if isinstance(spec, Mapping) else _loaded(Path(spec))
        # A thread of its own, because the test may run in an event loop.
        with ThreadPoolExecutor(1) as threads:
            result = RehearsalResult(threads.submit(asyncio.run, _rehearsed({**content, **fields})).result())
        pytestconfig.stash.setdefault(_RESULTS, []).append(result)
        return result

    return rehearse


async def _rehearsed(content: Mapping[str, Any]) -> "Rehearsal":
    from greenroom.client import connect

    address = os.environ.get("GREENROOM_ADDRESS", "127.0.0.1:9000")
    async with connect(address, token=os.environ.get("GREENROOM_TOKEN")) as client:
        started = await client.rehearsals.start(_spec(content))
        async with client.rehearsals.watch(started.name) as watch:
            async for _ in watch:
                pass
    assert watch.summary is not None
    return watch.summary


def _loaded(path: Path) -> Mapping[str, Any]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        content = json.loads(text)
    else:
        yaml = pytest.importorskip("yaml", reason="a spec in YAML needs the package pyyaml")
        content = yaml.safe_load(text)
    if not isinstance(content, Mapping):
        pytest.fail(f"{path}: write the fields of RehearsalSpec and their values, as in `batch: …`.")
    return content


def _spec(content: Mapping[str, Any]) -> "RehearsalSpec":
    from google.protobuf.json_format import ParseDict, ParseError

    from greenroom.gateway.v1.rehearsal_pb2 import RehearsalSpec

    whole = _whole(content, RehearsalSpec.DESCRIPTOR)
    try:
        return ParseDict(whole, RehearsalSpec())
    except ParseError as error:
        pytest.fail(f"The spec cannot be read: {error}", pytrace=False)


def _whole(content: Any, message: "Descriptor") -> Any:
    """The content of a message with the full names of enum values."""
    if not isinstance(content, Mapping) or message.full_name.startswith("google.protobuf."):
        return content
    fields = message.fields_by_name
    for name in content:
        if name not in fields:
            near = get_close_matches(str(name), fields, n=1)
            hint = f"; did you mean `{near[0]}`?" if near else "."
            pytest.fail(f"A {message.name} has no field `{name}`{hint}", pytrace=False)
    return {name: _value(value, fields[name]) for name, value in content.items()}


def _value(value: Any, field: "FieldDescriptor") -> Any:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return value
    if isinstance(value, list):
        return [_value(one, field) for one in value]
    if field.message_type is not None:
        return _whole(value, field.message_type)
    if field.enum_type is None or not isinstance(value, str) or value in field.enum_type.values_by_name:
        return value
    prefix = field.enum_type.values[0].name.removesuffix("UNSPECIFIED")
    return f"{prefix}{value.upper()}"
