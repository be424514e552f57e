"""Spam risk on labelled SMS and e-mails that nobody here wrote; its rules were not fitted to them."""

import gzip
import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from services.evaluator.checks.messages.message import Message
from services.evaluator.checks.messages.spam import WARN_ABOVE, spam_risk
from shared.model.campaigns.model import Channel
from tests.data import shared_data


def auc(spam: Sequence[float], ham: Sequence[float]) -> float:
    """The probability that a spam has a higher risk than a ham; an equal one counts half."""
    others = np.sort(ham)
    below, up_to = np.searchsorted(others, spam, "left"), np.searchsorted(others, spam, "right")
    return float(np.mean((below + up_to) / 2 / len(others)))


def caught(spam: Sequence[float], ham: Sequence[float], alarms: float) -> float:
    """The share of spam above the threshold that at most this share of ham is above."""
    return float(np.mean(np.asarray(spam) > np.sort(ham)[::-1][int(len(ham) * alarms)]))


def labelled(file: str) -> Sequence[tuple[Mapping[str, Any], Message]]:
    """The records of a file with their messages. What was HTML is only text there, so a header says that it was."""
    with gzip.open(shared_data("spam") / f"{file}.jsonl.gz") as lines:
        records = [json.loads(line) for line in lines]
    if file == "sms":
        return [(record, Message(Channel.SMS, record["text"])) for record in records]
    headers = {True: {"Content-Type": "text/html"}, False: {}}
    return [(one, Message(Channel.EMAIL, one["text"], one["subject"], headers[one["html"]])) for one in records]


@cache
def risks(file: str) -> Mapping[str, Sequence[float]]:
    """The risks of the messages in a file: spam, ham, and of the ham those that are newsletters and the like."""
    found: dict[str, list[float]] = {"spam": [], "ham": [], "newsletters": []}
    for record, message in labelled(file):
        risk = spam_risk(message).risk
        found[record["label"]].append(risk)
        if record.get("set") == "hard-ham-1":
            found["newsletters"].append(risk)
    return found


def test_the_spam_risk_of_sms_tells_spam_from_ham() -> None:
    found = risks("sms")
    assert auc(found["spam"], found["ham"]) >= 0.98
    assert caught(found["spam"], found["ham"], 0.01) >= 0.85
    assert np.mean(np.asarray(found["ham"]) > WARN_ABOVE) <= 0.001


def test_the_spam_risk_of_emails_tells_spam_from_ham_and_from_newsletters() -> None:
    found = risks("email")
    assert auc(found["spam"], found["ham"]) >= 0.93
    assert auc(found["spam"], found["newsletters"]) >= 0.75
