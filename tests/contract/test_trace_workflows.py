"""Trace workflows over real gRPC: stored, listed, replaced, deleted; refused with all faults at once."""

from typing import Any

import pytest

from greenroom.client import GreenroomError
from greenroom.testdata.v1 import trace_call_pb2, trace_workflow_pb2
from tests.scripted import refused
from tests.suite import TestdataSuite
from tests.traces import small


async def names(traces: TestdataSuite) -> list[str]:
    return [one.name async for one in traces.client.traces.workflows.list()]


def blamed(error: GreenroomError) -> dict[str, str]:
    return {violation.field: violation.description for violation in error.violations}


@pytest.mark.parametrize("name", ["ecommerce", "microservices"])
async def test_a_built_in_workflow_is_there_with_fifteen_endpoints_also_as_yaml(
    traces: TestdataSuite, name: str
) -> None:
    found = await traces.client.traces.workflows.get(f"workflows/{name}")

    assert found.workflow.built_in
    assert len(found.workflow.spec.avg_response_times) == 15
    assert found.yaml.startswith(f"name: {name}\n")
    assert not found.workflow.HasField("create_time")


async def test_built_in_workflows_are_listed_first_then_the_newest_without_their_chains(
    traces: TestdataSuite,
) -> None:
    made = [await traces.client.traces.workflows.create(small(name)) for name in ("z-first", "a-second")]

    listed = [one async for one in traces.client.traces.workflows.list()]

    assert [one.name for one in listed[:2]] == ["workflows/ecommerce", "workflows/microservices"]
    own = listed[2:]
    assert {one.name for one in made} <= {one.name for one in own}
    assert own == sorted(own, key=lambda one: (one.create_time.ToMilliseconds(), one.name), reverse=True)
    assert not any(one.HasField("spec") for one in listed)
    assert all(len(one.digest) == 64 for one in listed)


async def test_a_built_in_workflow_stays_as_it_is(traces: TestdataSuite) -> None:
    workflows = traces.client.traces.workflows
    async with refused("FAILED_PRECONDITION", "WORKFLOW_BUILT_IN"):
        await workflows.update("workflows/ecommerce", small("ecommerce"))
    async with refused("FAILED_PRECONDITION", "WORKFLOW_BUILT_IN"):
        await workflows.delete("workflows/ecommerce")
    async with refused("ALREADY_EXISTS", "WORKFLOW_EXISTS"):
        await workflows.create(small("ecommerce"))
    async with refused("ALREADY_EXISTS", "WORKFLOW_EXISTS"):
        await workflows.create("workflows/ecommerce")


async def test_a_workflow_is_copied_under_another_name(traces: TestdataSuite) -> None:
    copy = await traces.client.traces.workflows.create("workflows/ecommerce", name="my-shop")
    original = (await traces.client.traces.workflows.get("workflows/ecommerce")).workflow

    assert copy.name == "workflows/my-shop"
    assert not copy.built_in
    copy.spec.name = "ecommerce"
    assert copy.spec == original.spec


async def test_what_is_exported_as_yaml_and_imported_again_is_the_same(traces: TestdataSuite) -> None:
    workflows = traces.client.traces.workflows
    for name in ("ecommerce", "microservices"):
        exported = await workflows.get(f"workflows/{name}")
        source = trace_workflow_pb2.WorkflowSource(
            yaml=exported.yaml.replace(f"name: {name}", f"name: again-{name}", 1)
        )

        created = await workflows.create(source)
        again = await workflows.get(created.name)

        assert again.yaml.partition("\n")[2] == exported.yaml.partition("\n")[2]
        again.workflow.spec.name = name
        assert again.workflow.spec == exported.workflow.spec


async def test_the_same_chain_has_the_same_digest_however_it_comes(traces: TestdataSuite) -> None:
    workflows = traces.client.traces.workflows
    created = await workflows.create(small("by-yaml"))
    await workflows.delete(created.name)
    again = await workflows.create(created.spec)

    assert again.digest == created.digest


async def test_a_workflow_is_replaced_and_keeps_the_time_of_its_creation(traces: TestdataSuite) -> None:
    workflows = traces.client.traces.workflows
    created = await workflows.create(small("replaced"))
    updated = await workflows.update(created.name, small("replaced", error_rates="{login: 0.5}"))

    assert updated.create_time == created.create_time
    assert updated.digest != created.digest
    assert (await workflows.get(created.name)).workflow == updated

    async with refused("INVALID_ARGUMENT", "WORKFLOW_INVALID") as errors:
        await workflows.update(created.name, small("another"))
    assert "must have the name" in errors[0].violations[0].description
    async with refused("NOT_FOUND", "WORKFLOW_NOT_FOUND"):
        await workflows.update("workflows/nowhere", small("nowhere"))


async def test_a_deleted_workflow_is_gone(traces: TestdataSuite) -> None:
    workflows = traces.client.traces.workflows
    created = await workflows.create(small("gone"))
    await workflows.delete(created.name)

    assert created.name not in await names(traces)
    for call in (workflows.get, workflows.delete):
        async with refused("NOT_FOUND", "WORKFLOW_NOT_FOUND"):
            await call(created.name)


async def test_a_request_that_is_sent_again_gets_its_first_result(traces: TestdataSuite) -> None:
    workflows = traces.client.traces.workflows
    first = await workflows.create(small("twice"), request_id="twice-1")
    assert await workflows.create(small("twice"), request_id="twice-1") == first
    async with refused("ALREADY_EXISTS", "REQUEST_ID_REUSED"):
        await workflows.create(small("thrice"), request_id="twice-1")
    async with refused("ALREADY_EXISTS", "WORKFLOW_EXISTS"):
        await workflows.create(small("twice"))


async def test_every_fault_is_named_at_once(traces: TestdataSuite) -> None:
    spec = (await traces.client.traces.workflows.get("workflows/ecommerce")).workflow.spec
    spec.name = "faulty"
    spec.entry_points["login"] = 0.5
    spec.transitions["cart"].next["chekout"] = 0.1
    spec.transitions["cart"].next["browse"] = 0.2
    spec.transitions["search"].next["details"] = 1.5
    spec.avg_response_times["login"] = -1
    del spec.avg_response_times["payment"]
    spec.methods["login"] = "post"

    async with refused("INVALID_ARGUMENT", "WORKFLOW_INVALID") as errors:
        await traces.client.traces.workflows.create(spec)

    said = {
        "entry_points": "The entry points sum to 0.9; they must sum to 1.",
        'transitions["cart"]': "It leads to `chekout`. There is no endpoint `chekout` (did you mean `checkout`?).",
        'transitions["search"]': "A probability is a number from 0 to 1, not 1.5 for `details`.",
        'avg_response_times["payment"]': "`payment` has no mean response time.",
        'avg_response_times["login"]': "A mean response time is a number of milliseconds from 0 to 86,400,000, not -1.",
        'methods["login"]': "A method is a word in capitals such as POST, not 'post'.",
    }
    assert blamed(errors[0]) == {f"workflow.spec.{field}": sentence for field, sentence in said.items()}
    assert str(errors[0]).startswith("The workflow has 6 faults;")


@pytest.mark.parametrize(
    ("more", "field", "says"),
    [
        ({"think_time": "[login]"}, "workflow.yaml.think_time", "did you mean `think_times`?"),
        ({"error_rates": "{login: often}"}, 'workflow.yaml.error_rates["login"]', "Write a number, not `often`."),
        ({"error_rates": "{login: 2}"}, 'workflow.yaml.error_rates["login"]', "from 0 to 1, not 2"),
        ({"error_rates": "{logn: 0.2}"}, 'workflow.yaml.error_rates["logn"]', "did you mean `login`?"),
        ({"name": "again"}, "workflow.yaml", "repeats the key `name`"),
        ({"parameters": "{login: {a: {min: 5, max: 1}}}"}, 'workflow.yaml.parameters["login"]["a"]', "not -3"),
        ({"methods": "[POST]"}, "workflow.yaml.methods", "Write keys and their values."),
    ],
)
async def test_yaml_that_is_not_as_it_should_be_is_refused_with_the_place(
    traces: TestdataSuite, more: dict[str, str], field: str, says: str
) -> None:
    async with refused("INVALID_ARGUMENT", "WORKFLOW_INVALID") as errors:
        await traces.client.traces.workflows.create(small("bad", **more))

    [violation] = errors[0].violations
    assert violation.field == field
    assert says in violation.description


NO_WORKFLOWS = [
    *("", "[]", "name: x", ": :", "\t", "&a [*a]", "x" * 1000, "[" * 100_000, "{a: " * 50_000, "? [a]\n: b", "\ufeff"),
    *(
        '"\\ud800": 1',
        'name: "\\ud800"',
        "name: !!python/object:os.system x",
        "name: x\n---\nname: y",
        "a: " + "9" * 5000,
    ),
    'name: x\nentry_points: {"\\ud800": 1}\nexit_points: ["\\ud800"]\navg_response_times: {"\\0": 1}',
]


@pytest.mark.parametrize("yaml", NO_WORKFLOWS, ids=range(len(NO_WORKFLOWS)))
async def test_what_is_no_workflow_is_refused(traces: TestdataSuite, yaml: str) -> None:
    async with refused("INVALID_ARGUMENT", "WORKFLOW_INVALID") as errors:
        await traces.client.traces.workflows.create(trace_workflow_pb2.WorkflowSource(yaml=yaml))

    assert all(violation.field.startswith("workflow.yaml") for violation in errors[0].violations)


def many(endpoints: int, edges: int) -> trace_workflow_pb2.WorkflowSpec:
    """A chain in which each endpoint has `edges` successors."""
    spec = trace_workflow_pb2.WorkflowSpec(name="many", entry_points={"e0": 1})
    for number in range(endpoints):
        name = f"e{number}"
        spec.avg_response_times[name] = 1
        spec.exit_points[name] = 0.5
        for step in range(1, edges + 1):
            spec.transitions[name].next[f"e{(number + step) % endpoints}"] = 0.5 / edges
    return spec


async def test_a_large_workflow_is_kept_and_returned_whole(traces: TestdataSuite) -> None:
    spec = many(endpoints=2_000, edges=16)

    created = await traces.client.traces.workflows.create(spec)

    assert (await traces.client.traces.workflows.get(created.name)).workflow.spec == created.spec
    assert len(created.spec.transitions) == 2_000
    await traces.client.traces.workflows.delete(created.name)


@pytest.mark.parametrize(
    ("endpoints", "edges", "says"),
    [
        (2_001, 1, "There are 2,001 endpoints; up to 2,000 are allowed."),
        (1_001, 100, "There are 100,100 transitions; up to 100,000 are allowed."),
        (1_000, 95, "bytes as YAML; 1,572,864 are allowed."),
    ],
)
async def test_a_workflow_that_is_too_large_is_refused(
    traces: TestdataSuite, endpoints: int, edges: int, says: str
) -> None:
    async with refused("INVALID_ARGUMENT", "WORKFLOW_INVALID") as errors:
        await traces.client.traces.workflows.create(many(endpoints, edges))

    assert says in errors[0].violations[0].description


async def test_one_session_is_generated_and_is_always_the_same(traces: TestdataSuite) -> None:
    parameters = trace_call_pb2.TraceParameters(seed=7)
    first = await traces.client.traces.session("workflows/ecommerce", parameters, session=12)
    again = await traces.client.traces.session("workflows/ecommerce", parameters, session=12)

    assert first == again
    assert {call.session for call in first} == {12}
    assert first[0].endpoint in ("login", "browse", "search")
    assert first[-1].endpoint in ("logout", "confirmation", "order_tracking")
    assert [call.timestamp_ms for call in first] == sorted(call.timestamp_ms for call in first)


async def test_a_session_of_a_workflow_that_is_not_kept_is_generated_from_yaml(traces: TestdataSuite) -> None:
    calls = await traces.client.traces.session(small("not-kept", parameters="{login: {user: {min: 1, max: 3}}}"))

    assert calls[0].endpoint == "login"
    assert calls[0].params in ("user=1", "user=2", "user=3")
    assert "workflows/not-kept" not in await names(traces)


async def test_a_session_that_there_is_not_is_out_of_range(traces: TestdataSuite) -> None:
    async with refused("OUT_OF_RANGE", "SESSION_OUT_OF_RANGE"):
        await traces.client.traces.session("workflows/ecommerce", session=10_000_000)


@pytest.mark.parametrize(
    ("parameters", "fields"),
    [
        ({"users": -1}, ["users"]),
        ({"users": 100_000_000, "sessions_per_user": {"mean": 101}}, ["users"]),
        ({"sessions_per_user": {"mean": 0}}, ["sessions_per_user.mean"]),
        ({"sessions_per_user": {"mean": float("nan")}}, ["sessions_per_user.mean"]),
        ({"sessions_per_user": {"mean": 2, "std": float("inf")}}, ["sessions_per_user.std"]),
        ({"end_time": {"seconds": 1_000_000}}, ["end_time"]),
        ({"start_time": {"seconds": 2_000_000_000}, "end_time": {"seconds": 2_000_000_000}}, ["end_time"]),
        ({"end_time": {"seconds": 4_000_000_000}}, ["end_time"]),
        ({"start_time": {"seconds": -1}}, ["start_time"]),
        ({"start_time": {"seconds": 10**17}}, ["start_time"]),
        ({"cascade_rate": 1.5}, ["cascade_rate"]),
        ({"deck_size": 5}, ["deck_size"]),
        ({"mode": 2, "deck_size": 100_001}, ["deck_size"]),
        ({"user_types": [{"name": "a", "weight": 0}]}, ["user_types[0].weight"]),
        ({"user_types": [{"name": "a", "weight": 1}, {"name": "a", "weight": 2}]}, ["user_types[1].name"]),
        (
            {"start_time": {"seconds": -5}, "deck_size": 5, "users": 10**8, "sessions_per_user": {"mean": 1000}},
            ["users", "start_time", "deck_size"],
        ),
    ],
)
async def test_bad_parameters_are_refused_with_their_fields(
    traces: TestdataSuite, parameters: dict[str, Any], fields: list[str]
) -> None:
    with pytest.raises(GreenroomError) as caught:
        await traces.client.traces.session("workflows/ecommerce", trace_call_pb2.TraceParameters(**parameters))

    assert caught.value.code == "INVALID_ARGUMENT"
    assert [violation.field for violation in caught.value.violations] == [f"parameters.{field}" for field in fields]


async def test_decks_that_would_fill_the_memory_are_refused(traces: TestdataSuite) -> None:
    parameters = trace_call_pb2.TraceParameters(
        mode=trace_call_pb2.TraceParameters.MODE_EXACT_COUNTS, deck_size=100_000
    )

    async with refused("INVALID_ARGUMENT", "PARAMETERS_INVALID") as errors:
        await traces.client.traces.session(many(endpoints=2_000, edges=2), parameters)

    assert errors[0].violations[0].field == "parameters.deck_size"
