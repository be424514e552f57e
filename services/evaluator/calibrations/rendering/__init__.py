"""Writes calibrations as files. Each format is a function and a line in FORMATS."""

from collections.abc import Callable, Mapping

from services.evaluator.calibrations.model import Finding
from services.evaluator.calibrations.rendering.markdown import markdown
from services.evaluator.calibrations.rendering.page import page

FORMATS: Mapping[str, Callable[[Finding], str]] = {"HTML": page, "MARKDOWN": markdown}
"""By the name of the format, the function that writes a calibration."""
