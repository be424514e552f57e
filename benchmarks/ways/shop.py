"""What traces are measured on: the built-in shop."""

from services.testdata.traces.builtin import built_in
from services.testdata.traces.generation import Chain, compile_chain
from services.testdata.traces.parameters import Parameters
from services.testdata.traces.workflow import Workflow

NAME = "workflows/ecommerce"


def shop() -> Workflow:
    """The workflow."""
    return built_in()[NAME].workflow


def chain(users: int, seed: int = 0) -> Chain:
    """The workflow, with so many users and what else is the default."""
    return compile_chain(shop(), Parameters(users=users, seed=seed))
