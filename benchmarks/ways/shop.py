"""The workflow of all trace benchmarks: the built-in shop."""

from services.testdata.traces.generation import Chain, compile_chain
from services.testdata.traces.parameters import Parameters
from services.testdata.traces.workflow import Workflow
from services.testdata.workflows.builtin import built_in

NAME = "workflows/ecommerce"


def shop() -> Workflow:
    """The workflow."""
    return built_in()[NAME].workflow


def chain(users: int, seed: int = 0) -> Chain:
    """The chain of the workflow with this many users; all other parameters are defaults."""
    return compile_chain(shop(), Parameters(users=users, seed=seed))
