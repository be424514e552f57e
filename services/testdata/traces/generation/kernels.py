"""The compiled parts of generating. `generate` imports this module on first use, so the server never imports Numba."""

from services.testdata.traces.generation.columns import columns
from services.testdata.traces.generation.deal import deal
from services.testdata.traces.generation.users import block_totals
from services.testdata.traces.generation.walk import walk

__all__ = ["block_totals", "columns", "deal", "walk"]
