"""Writes reports as files. Each format is a function and a line in FORMATS."""

from collections.abc import Callable, Mapping

from services.evaluator.reports.model import Report
from services.evaluator.reports.rendering.junit import junit
from services.evaluator.reports.rendering.markdown import markdown
from services.evaluator.reports.rendering.page import page
from services.evaluator.reports.transcripts import Transcripts

FORMATS: Mapping[str, Callable[[Report, Transcripts], str]] = {
    "HTML": page,
    "MARKDOWN": markdown,
    "JUNIT": junit,
}
"""By the name of the format, the function that writes a report with the transcripts of its examples and baselines."""
