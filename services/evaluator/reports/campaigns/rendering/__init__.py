"""Writes reports on campaigns as files. Each format is a function and a line in FORMATS."""

from collections.abc import Callable, Mapping

from services.evaluator.reports.campaigns.model import CampaignReport
from services.evaluator.reports.campaigns.rendering.junit import junit
from services.evaluator.reports.campaigns.rendering.markdown import markdown
from services.evaluator.reports.campaigns.rendering.page import page

FORMATS: Mapping[str, Callable[[CampaignReport], str]] = {
    "HTML": page,
    "MARKDOWN": markdown,
    "JUNIT": junit,
}
"""By the name of the format, the function that writes a report."""
