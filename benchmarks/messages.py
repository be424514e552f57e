"""How well the spam risk tells labelled spam from ham, beside two crude ways, and how long it takes.

The crude ways are the share of digits, for SMS, and a count of twenty words that spam filters are known for.
"""

import re
import time
from collections.abc import Callable

from benchmarks.results import gates, limited, reached, report
from services.evaluator.checks.messages.message import Message
from services.evaluator.checks.messages.spam import spam_risk
from tests.pipeline.test_spam import auc, caught, labelled, risks

TOPIC = "messages"
_WORDS = re.compile(
    r"\b(?:free|win|won|winner|prize|cash|money|urgent|claim|offer|guaranteed?|click|credit|call now|buy|order|save|"
    r"viagra|loan|million|congratulations)\b|[$£€]",
    re.I,
)


def run(quick: bool) -> bool:  # noqa: ARG001 - the files are small
    """Measure, report, and return whether the gates held."""
    gate = gates(TOPIC)
    sms, emails = risks("sms"), risks("email")
    one_alarm = caught(sms["spam"], sms["ham"], 0.0004)
    print(f"SMS above every ham but the highest, about SpamAssassin's 1 in 2,500: {one_alarm:.1%} of the spam")
    messages = [message for _, message in labelled("sms")]
    start = time.process_time()
    for message in messages:
        spam_risk(message)
    seconds = time.process_time() - start
    return report(
        TOPIC,
        [
            reached(gate["sms"], "AUC", [auc(sms["spam"], sms["ham"])], [_crude("sms", _digits)]),
            reached(gate["sms_caught"], "", [caught(sms["spam"], sms["ham"], 0.01)]),
            reached(gate["email"], "AUC", [auc(emails["spam"], emails["ham"])], [_crude("email", _words)]),
            reached(gate["newsletters"], "AUC", [auc(emails["spam"], emails["newsletters"])]),
            limited(gate["time"], "µs", [seconds / len(messages) * 1e6]),
        ],
    )


def _crude(file: str, way: Callable[[Message], float]) -> float:
    found: dict[str, list[float]] = {"spam": [], "ham": []}
    for record, message in labelled(file):
        found[record["label"]].append(way(message))
    return auc(found["spam"], found["ham"])


def _digits(message: Message) -> float:
    return sum(map(str.isdigit, message.text))


def _words(message: Message) -> float:
    return len(_WORDS.findall(f"{message.subject}\n{message.text}"))
