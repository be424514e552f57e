"""Limits of formats."""

from services.testdata.traces.errors import ParametersInvalid
from services.testdata.traces.formats import Format
from services.testdata.traces.parameters import Parameters
from shared.errors import Violation

OTLP_END = 7_258_118_400_000
"""The start of 2200. Nanoseconds overflow in 2262, and sessions end after they begin."""


def check_format(form: Format, parameters: Parameters, field: str) -> None:
    """Refuse parameters that do not fit the format. field: the path of the parameters. Raises ParametersInvalid."""
    if form is Format.OTLP and parameters.end > OTLP_END:
        sentence = "must be before 2200: OTLP counts nanoseconds, and later times overflow."
        raise ParametersInvalid(violations=[Violation(f"{field}.end_time", sentence)])
