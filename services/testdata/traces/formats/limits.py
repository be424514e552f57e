"""What a format cannot carry."""

from services.testdata.traces.errors import ParametersInvalid
from services.testdata.traces.formats import Format
from services.testdata.traces.parameters import Parameters
from shared.errors import Violation

OTLP_END = 7_258_118_400_000
"""The beginning of 2200: nanoseconds end in 2262, and a session may last."""


def check_format(form: Format, parameters: Parameters, field: str) -> None:
    """Refuse parameters whose calls a format cannot carry. field: their path. Raises ParametersInvalid."""
    if form is Format.OTLP and parameters.end > OTLP_END:
        sentence = "OTLP counts nanoseconds, for which later times are too large; must be before 2200."
        raise ParametersInvalid(violations=[Violation(f"{field}.end_time", sentence)])
