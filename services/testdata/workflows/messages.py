"""Converts workflows from and to protos."""

from greenroom.testdata.v1 import trace_workflow_pb2 as pb
from services.testdata.traces.workflow import ServiceGraph, ThinkTime, Workflow
from services.testdata.workflows.model import StoredWorkflow
from services.testdata.workflows.reading import Given, YamlText
from shared.rpc.values import timestamp


def source(message: pb.WorkflowSource) -> Given | str:
    """The source: a name, or the workflow itself."""
    match message.WhichOneof("workflow"):
        case "spec":
            return workflow(message.spec)
        case "yaml":
            return YamlText(message.yaml)
        case _:
            return message.name


def workflow(message: pb.WorkflowSpec) -> Workflow:
    """The workflow in a message, not yet checked."""
    return Workflow(
        name=message.name,
        entry_points=dict(message.entry_points),
        transitions={endpoint: dict(row.next) for endpoint, row in message.transitions.items()},
        exit_points=dict(message.exit_points),
        avg_response_times=dict(message.avg_response_times),
        methods=dict(message.methods),
        error_rates=dict(message.error_rates),
        parameters={
            endpoint: {name: tuple(one.values) for name, one in parameters.values.items()}
            for endpoint, parameters in message.parameters.items()
        },
        think_times={endpoint: ThinkTime(time.min_ms, time.max_ms) for endpoint, time in message.think_times.items()},
        service_graph=_graph(message.service_graph) if message.HasField("service_graph") else None,
    )


def _graph(message: pb.ServiceGraph) -> ServiceGraph:
    calls = {service: dict(called.to) for service, called in message.calls.items()}
    return ServiceGraph(dict(message.endpoints), calls)


def workflow_message(workflow: Workflow) -> pb.WorkflowSpec:
    """The workflow as a message."""
    message = pb.WorkflowSpec(
        name=workflow.name,
        entry_points=workflow.entry_points,
        transitions={endpoint: pb.Transitions(next=row) for endpoint, row in workflow.transitions.items()},
        exit_points=workflow.exit_points,
        avg_response_times=workflow.avg_response_times,
        methods=workflow.methods,
        error_rates=workflow.error_rates,
        parameters={
            endpoint: pb.EndpointParameters(
                values={name: pb.ParameterValues(values=values) for name, values in parameters.items()}
            )
            for endpoint, parameters in workflow.parameters.items()
        },
        think_times={
            endpoint: pb.ThinkTime(min_ms=time.min_ms, max_ms=time.max_ms)
            for endpoint, time in workflow.think_times.items()
        },
    )
    if (graph := workflow.service_graph) is not None:
        calls = {service: pb.ServiceCalls(to=called) for service, called in graph.calls.items()}
        message.service_graph.CopyFrom(pb.ServiceGraph(endpoints=graph.endpoints, calls=calls))
    return message


def stored_message(stored: StoredWorkflow, *, whole: bool = True) -> pb.TraceWorkflow:
    """The stored workflow. whole: with its chain."""
    return pb.TraceWorkflow(
        name=stored.name,
        spec=workflow_message(stored.workflow) if whole else None,
        digest=stored.digest,
        built_in=stored.built_in,
        create_time=timestamp(stored.create_time),
        update_time=timestamp(stored.update_time),
    )
