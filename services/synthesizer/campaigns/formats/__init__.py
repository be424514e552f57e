"""Formats of other products from which campaigns are imported: one file or package, and one line in FORMATS each."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

from services.synthesizer.campaigns.formats.dittofeed import import_journey, is_journey
from services.synthesizer.campaigns.formats.errors import CampaignFormatUnknown, UnknownCampaignFormat
from services.synthesizer.campaigns.formats.imported import Attachment, Imported, Outcome, Part
from services.synthesizer.campaigns.formats.n8n.importing import import_workflow
from services.synthesizer.campaigns.formats.n8n.workflow import is_workflow
from shared.limits import MAX_YAML
from shared.model.campaigns.model import Campaign, SendEmail, SendSms
from shared.model.campaigns.reading import read_campaign
from shared.plain import plain
from shared.words import any_of
from shared.yaml import BadYaml, load

OURS = "greenroom"
"""The format of our own campaign files."""
_MOST_YAML = 10_000
"""The most lines and commas of YAML: reading a value of YAML takes fifty times as long as one of JSON."""
_BODIES = (".html", ".liquid", ".txt", ".mjml")
"""What the names of files end with that are read as they are."""


@dataclass(frozen=True, slots=True)
class Format:
    """A format. detects: whether a document is of this format. read: a document, the name of its file, and files
    beside it; raises CampaignImportInvalid."""

    detects: Callable[[Any], bool]
    read: Callable[[Any, str, Sequence[Attachment]], Imported]


FORMATS: Mapping[str, Format] = {
    "n8n": Format(is_workflow, lambda document, file, _: import_workflow(document, file)),
    "dittofeed": Format(is_journey, import_journey),
}


def import_campaign(files: Sequence[tuple[bytes, str]], format_name: str = "") -> tuple[Imported, str]:
    """The campaign in the first file, and its format. format_name: "" to detect it.

    Raises BadYaml, CampaignInvalid, CampaignImportInvalid, CampaignFormatUnknown, UnknownCampaignFormat.
    """
    (content, file), *others = files
    if format_name not in ("", OURS, *FORMATS):
        raise UnknownCampaignFormat(name=plain(format_name, 100), formats=any_of((OURS, *FORMATS)))
    if format_name == OURS:
        return _ours(content, file), OURS
    document = _document(content, file)
    detected = format_name or next((name for name, one in FORMATS.items() if one.detects(document)), "")
    if not detected and isinstance(document, Mapping) and "steps" in document:
        return _ours(content, file), OURS
    if not detected:
        raise CampaignFormatUnknown(file=file, formats=any_of((OURS, *FORMATS)))
    found = FORMATS[detected].read(document, file, [_attachment(*one) for one in others])
    campaign, parts = _shown(found.campaign), [*map(_part, found.parts)]
    if not any(isinstance(step.action, SendSms | SendEmail) for step in campaign.steps):
        reason = "It sends no message, so there is nothing that a contact can answer."
        parts.append(Part(campaign.display_name, "campaign", Outcome.APPROXIMATED, reasons=(reason,)))
    return replace(found, campaign=campaign, parts=parts), detected


def _ours(content: bytes, file: str) -> Imported:
    campaign = read_campaign(content, file)
    return Imported(campaign, [Part(step.id, step.action.kind, Outcome.READ, (step.id,)) for step in campaign.steps])


def _attachment(content: bytes, file: str) -> Attachment:
    if file.endswith(_BODIES):
        try:
            return file, content.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise BadYaml(file=file, why="it is not text in UTF-8") from None
    return file, _document(content, file)


def _document(content: bytes, file: str) -> Any:
    """The document in a file of JSON or YAML."""
    if len(content) > MAX_YAML:
        raise BadYaml(file=file, why="it is larger than 4 MiB")
    if content.lstrip()[:1] not in (b"{", b"["):
        return _yaml(content, file)
    try:
        document = json.loads(content, parse_constant=_refuse, parse_float=_number, parse_int=_number)
        json.dumps(document, ensure_ascii=False).encode()
    except RecursionError:
        raise BadYaml(file=file, why="it is nested too deeply") from None
    except json.JSONDecodeError as bad:
        try:
            return _yaml(content, file)
        except BadYaml:
            raise BadYaml(file=file, why=f"line {bad.lineno}, column {bad.colno}: {bad.msg}") from None
    except UnicodeError:
        raise BadYaml(file=file, why="it is not text in UTF-8") from None
    except ValueError as bad:
        raise BadYaml(file=file, why=str(bad)) from None
    return document


def _yaml(content: bytes, file: str) -> Any:
    if content.count(b"\n") + content.count(b",") > _MOST_YAML:
        why = (
            f"it has more than {_MOST_YAML:,} lines and commas; write it as JSON, or import our own format by its name"
        )
        raise BadYaml(file=file, why=why)
    return load(content, file)


def _refuse(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")


def _number(text: str) -> int | float:
    number = int(text) if len(text) < 19 and text.lstrip("-").isdigit() else float(text)
    if not isfinite(number):
        raise ValueError("a number is too large")
    return number


def _shown(campaign: Campaign) -> Campaign:
    return replace(campaign, display_name=plain(campaign.display_name, 200))


def _part(part: Part) -> Part:
    reasons = tuple(plain(one, 500) for one in part.reasons)
    return replace(part, name=plain(part.name, 200), kind=plain(part.kind, 100), reasons=reasons)
