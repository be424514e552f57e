"""Writes campaigns as documents and as YAML that reads back equal."""

from enum import StrEnum
from typing import Any

from shared.model.campaigns.forms import CAMPAIGN, KINDS, STEP, Choice, Form, Items, Value
from shared.model.campaigns.model import Campaign, Step
from shared.model.events import Json
from shared.yaml_writing import Short, write_yaml


def document(campaign: Campaign) -> dict[str, Json]:
    """The campaign as a JSON object with the keys of its YAML, without members that have their default."""
    return _record(campaign, CAMPAIGN)


def write_campaign(campaign: Campaign) -> bytes:
    """The campaign as YAML in UTF-8, which `read_campaign` reads back equal."""
    written = document(campaign)
    if "contact" in written:
        written["contact"] = {name: Short(field) for name, field in written["contact"].items()}
    for step in written["steps"]:
        for kind in ("condition", "split"):
            for name, items in step.get(kind, {}).items():
                if isinstance(items, list):
                    step[kind][name] = list(map(Short, items))
    return write_yaml(written)


def _record(part: Any, form: Form) -> dict[str, Json]:
    written: dict[str, Json] = {}
    for name, kind in form.members.items():
        value = getattr(part, name)
        if name not in form.defaults or value != form.defaults[name]:
            written[name] = _member(value, kind)
    return written


def _step(step: Step) -> dict[str, Json]:
    kind = step.action.kind
    written: dict[str, Json] = {"id": step.id, kind: _record(step.action, KINDS[kind])}
    return {**written, "next": step.next} if step.next else written


def _member(value: Any, kind: Value | Choice | Items | Form) -> Json:
    match kind:
        case Value():
            return kind.write(value)
        case Choice():
            assert isinstance(value, StrEnum)
            return value.value
        case Form():
            return _record(value, kind)
        case Items(of):
            if of is STEP:
                return [_step(one) for one in value]
            if isinstance(of, Form) and of.named:
                return {one.name: _record(one, of) for one in value}
            return [_member(one, of) for one in value]
