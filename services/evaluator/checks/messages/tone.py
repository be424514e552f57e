"""Tone: aggressive, shouting, or falsely urgent."""

import re
from collections.abc import Iterator

from services.evaluator.checks.messages.message import Message
from services.evaluator.checks.model import Issue, Severity

_AGGRESSIVE = re.compile(
    r"\b(?:or else|legal action|take (?:you )?to court|failure to (?:\w+ ){1,4}will|you (?:have )?ignored|"
    r"stop ignoring|stop wasting|last warning|final warning|don'?t (?:you )?dare|how dare|you(?:'d| had) better|"
    r"you(?:'re| are) (?:stupid|an idiot|a fool|foolish|lazy|crazy)|idiots?|stupid|shame on you|you will regret|"
    r"you'?ll regret|we(?: will|'ll) (?:report|find|pursue|charge) you|we know where|no excuses?|pay up|"
    r"you owe us|what is wrong with you|what's wrong with you|your fault|shut up|consequences|"
    r"(?:why|what) (?:the hell|on earth)|we demand|you must (?:pay|answer|reply|respond|act|comply)|do not ignore)\b",
    re.IGNORECASE,
)
_URGENT = re.compile(
    r"\b(?:act (?:now|fast|immediately|today)|urgent(?:ly)?|final notice|last chance|"
    r"(?:before|until) it(?:'s| is) too late|"
    r"(?:respond|reply|call|click|order|buy|pay|answer) (?:immediately|right now|asap|now or)|immediate action|"
    r"action required|hurry(?: up)?|don'?t (?:wait|delay|miss out)|once in a lifetime|time is running out|"
    r"you(?:'re| are) about to lose|will be (?:deleted|closed|suspended|lost|cancell?ed) (?:today|soon|in)|"
    r"expires? in (?:\d+ )?(?:minutes?|hours?|an hour)|only \d+ (?:left|remaining|spots?|seats?)|"
    r"limited[- ]time(?: only)?|now or never|this is not a (?:drill|joke))\b",
    re.IGNORECASE,
)
_STRONG = re.compile(
    r"\b(?:final notice|too late|time is running out|now or never|once in a lifetime|about to lose|immediate action|"
    r"will be (?:deleted|closed|suspended|lost)|urgent(?:ly)?|act (?:now|immediately)|immediately)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]{2,}")
_COMMANDS = frozenset(("STOP", "HELP", "YES", "NO", "START", "INFO", "END", "QUIT", "CANCEL", "CONFIRM", "OK"))
"""Words that messages ask people to reply, which are written in capitals everywhere."""


def tone_issues(step: str, message: Message) -> Iterator[Issue]:
    """What of the tone puts people off. Urgency is false if it has no reason to show: strong words, or several."""
    text = f"{message.subject}\n{message.text}".replace("’", "'")
    if found := _AGGRESSIVE.search(text):
        yield _issue(step, f"“{found[0]}” sounds aggressive.", "Say what the person can do, and what for.")
    urgent = _URGENT.findall(text)
    if len(urgent) > 1 or _STRONG.search(" ".join(urgent)):
        said = " and ".join(f"“{one}”" for one in [*dict.fromkeys(map(str.lower, urgent))][:2])
        yield _issue(step, f"{said} press{'es' if len(urgent) == 1 else ''} for time.", "Give the date and its reason.")
    if shouted := _shouted(message):
        yield _issue(step, f"It shouts: {shouted}.", "Write words in lower case, and one exclamation mark at most.")


def _shouted(message: Message) -> str:
    words = [word for word in _WORD.findall(f"{message.subject}\n{message.text}") if word not in _COMMANDS]
    capitals = [word for word in words if word.isupper() and len(word) > 3]
    if len(capitals) >= 3 and len(capitals) > 0.15 * len(words):
        return f"“{' '.join(capitals[:3])}” is in capitals"
    subject = _WORD.findall(message.subject)
    if len(subject) >= 2 and all(map(str.isupper, subject)):
        return "the subject is in capitals"
    if "!!" in message.text or "!!" in message.subject:
        return "several exclamation marks follow each other"
    return ""


def _issue(step: str, sentence: str, fix: str) -> Issue:
    return Issue(Severity.WARNING, "tone_issue", step, sentence, fix)
