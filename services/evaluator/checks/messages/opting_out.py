"""Ways out of a campaign: how to opt out, one click to unsubscribe (RFC 8058), and who sends from where (CAN-SPAM)."""

import re
from collections.abc import Iterator

from services.evaluator.checks.messages.message import Message
from services.evaluator.checks.messages.rendering import Written
from services.evaluator.checks.model import Issue, Severity
from shared.model.campaigns.model import Channel
from shared.model.campaigns.rendering import UNSUBSCRIBE_URL

_BY_SMS = re.compile(
    r"\b(?:reply|text|txt|send|answer|respond(?: with)?)\b.{0,25}\b(?:stop|end|quit|unsubscribe|cancel|optout)\b|"
    r"(?-i:\bSTOPP?\b|\bARRET\b|\bBAJA\b)|\bstop ?(?:to|2|=) ?(?:end|opt|stop|unsub|cancel|quit)|"
    r"\bunsub(?:scribe)?\b|\bopt[- ]?(?:ing )?out\b",
    re.IGNORECASE,
)
_BY_EMAIL = re.compile(
    r"\bunsub(?:scribe)?\b|\bopt[- ]?(?:ing )?out\b|\b(?:manage|update|change) (?:your )?(?:\w+ )?preferences\b|"
    r"\b(?:no longer|don'?t|do not) (?:want|wish)\b.{0,60}\b(?:click|reply|here|e-?mails?)\b|\babmelden\b|"
    r"\bdésinscri\w+|\bdarse de baja\b|\buitschrijven\b|/(?:unsub\w*|opt-?out|preferences)\b",
    re.IGNORECASE,
)
_HTTPS = re.compile(r"<\s*https://[^>\s]+\s*>", re.IGNORECASE)
_ADDRESS = re.compile(
    r"\b\d{1,6}[a-z]? (?:[NSEW]\.? )?(?:[A-Z][\w.'-]*|\d{1,3}(?:st|nd|rd|th)) (?:[A-Z][\w.'-]* ){0,3}?"
    r"(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Way|Court|Ct|Square|Sq|Place|Pl|Plaza|Parkway|"
    r"Pkwy|Highway|Hwy|Terrace|Row|Close|Crescent|Quay|Broadway)\b|"
    r"\b(?:P\.? ?O\.? ?Box|Postfach|Private Bag|GPO Box) \d+|\b(?:Suite|Ste\.?|Floor|Unit) #?\d+|"
    r"\b[A-ZÄÖÜ][\wäöüß.-]*(?:straße|strasse|str\.|gasse|platz|weg|allee|ring|damm|ufer)\W{1,2}\d+|"
    r"\b\d+,? (?:rue|avenue|boulevard|place|quai|chemin|impasse) \w+|"
    r"\b(?:Calle|Avenida|Avda\.?|Via|Viale|Piazza|Corso|Rua|Carrer) [A-Z]\w+|"
    r"\b[A-Z]{2},? \d{5}(?:-\d{4})?\b|\b[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}\b|\b[A-Z]\d[A-Z] \d[A-Z]\d\b|"
    r"\b\d{4} ?[A-Z]{2} [A-Z][a-z]+|\b(?:D-|A-|CH-|F-)?\d{4,5} [A-ZÄÖÜ][a-zäöüß]{2,}"
)
"""Streets and postal codes of the countries that most campaigns come from."""


def opting_out_issues(written: Written) -> Iterator[Issue]:
    """What the message lacks: every e-mail, and the first SMS, say how to opt out."""
    message = written.message
    if message.channel is Channel.SMS:
        if written.first and not _BY_SMS.search(message.text):
            yield Issue(
                Severity.WARNING,
                "missing_opt_out",
                written.step,
                "A contact may get this SMS first, and it does not say how to opt out.",
                "End it with `Reply STOP to opt out`.",
            )
        return
    if not _says_how(message):
        yield Issue(
            Severity.WARNING,
            "missing_opt_out",
            written.step,
            "The e-mail does not say how to unsubscribe.",
            "Add a link to `{{ unsubscribe_url }}`.",
        )
    if why := _no_one_click(message):
        yield Issue(
            Severity.WARNING,
            "missing_one_click_unsubscribe",
            written.step,
            f"{why}, so mail programs offer no single click to unsubscribe (RFC 8058).",
            "Set the headers `List-Unsubscribe: <{{ unsubscribe_url }}>` and "
            "`List-Unsubscribe-Post: List-Unsubscribe=One-Click`.",
        )
    if not _has_address(message.text, written.campaign.sender.address):
        yield Issue(
            Severity.WARNING,
            "missing_postal_address",
            written.step,
            "The e-mail has no postal address of the sender.",
            "Set `sender.address`, and end the e-mail with `{{ sender.address }}`.",
        )


def _says_how(message: Message) -> bool:
    if UNSUBSCRIBE_URL in message.body or _BY_EMAIL.search(message.text):
        return True
    return any(_BY_EMAIL.search(link.url) for link in message.links)


def _no_one_click(message: Message) -> str:
    """Why there is no single click; "" if there is."""
    where, how = message.header("List-Unsubscribe"), message.header("List-Unsubscribe-Post")
    if not where:
        return "It has no header `List-Unsubscribe`"
    if not _HTTPS.search(where):
        return "Its header `List-Unsubscribe` has no https address in angle brackets"
    if "".join(how.split()).lower() != "list-unsubscribe=one-click":
        return "Its header `List-Unsubscribe-Post` is not `List-Unsubscribe=One-Click`"
    return ""


def _has_address(text: str, address: str) -> bool:
    said = " ".join(text.split())
    return (bool(address.strip()) and " ".join(address.split()) in said) or _ADDRESS.search(said) is not None
