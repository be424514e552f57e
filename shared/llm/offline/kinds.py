"""What people say of themselves and their business, found by its shape: names, ids, amounts, dates and the like.

Both sides use it: the agent to fill its slots, the persona to find what it was asked for.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec)[a-z]*\.?"
_DAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"

ASKED: Mapping[str, re.Pattern[str]] = {
    kind: re.compile(pattern, re.IGNORECASE)
    for kind, pattern in {
        "email": r"\be-?mail",
        "username": r"\buser ?(?:name|id)|\blog-?in\b",
        "phone": r"\bphone|\btelephone|\bmobile\b|\bcell\b",
        "zip": r"\bzip\b|\bpost(?:al )?code",
        "pin": r"\bpin\b",
        "card": r"\bcard number|\bcredit card no",
        "id": r"\b(?:id|ids|code|reference|identifier|confirmation|number|no\.)(?!\w)",
        "address": r"(?<!mail )(?<!e-mail )(?<!ip )\baddress|\bstreet\b|\bwhere do you live|\blocation\b",
        "name": r"(?<!user )(?<!user)(?<!product )(?<!item )(?<!file )\bname\b|\bwho am i\b|\bguest names?\b",
        "amount": r"\bamount|\bprice|\bhow much|\bcosts?\b|\btotal\b|\bcharged\b|\bdollars?\b|\bbudget\b|\bfee\b|\bsalary\b",
        "date": r"\bdate\b|\bwhen\b|\bwhat day|\bwhich day|\bbirthday\b|\bday of\b",
        "time": r"\bwhat time|\btime of\b|\bat which time|\btime\b",
        "number": r"\bhow many|\bhow long|\bquantity\b|\bnumber of\b|\bcount\b|\bparty size|\bhow old\b|\bage\b|\bdays\b",
        "url": r"\burl\b|\blink\b|\bweb ?(?:site|page)\b",
    }.items()
}
"""By kind, how a question, a slot's name or its description speaks of it; earlier kinds win where several do."""

_NAME = r"[A-Z][a-zA-Z'’-]+(?:\s+[A-Z]\.?)?(?:\s+[A-Z][a-zA-Z'’-]+){1,2}"
_INTRODUCED = re.compile(
    rf"(?i:\b(?:full name|(?:my|the|account|card|customer|their) names?|name)\b[ ]?(?:is|'s|are|on (?:the|my) account is|:|-)*\s*"
    rf"|\bthis is\s+|\bi am\s+|\bi'm\s+|\bunder (?:the name )?|\bbelongs to\s+|\b(?:mr|mrs|ms|dr)\.?\s+)({_NAME})"
)
_LOWER_INTRODUCED = re.compile(
    r"\b(?:full name|my name|account name|name)\s*(?:is|'s|:|-)\s*([a-z][a-z'’-]+\s+[a-z][a-z'’-]+)", re.IGNORECASE
)
_CAPITALISED = re.compile(rf"\b{_NAME}")
_STREET = (
    r"st|str|street|ave|avenue|rd|road|dr|drive|ln|lane|blvd|boulevard|way|court|ct|place|pl|square|sq|terrace|circle|"
    r"parkway|pkwy|highway|hwy|crescent|close|gardens|row|walk|hill"
)
_SHAPES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("email", re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}", re.IGNORECASE)),
    ("url", re.compile(r"\bhttps?://[^\s]+|\bwww\.[^\s]+", re.IGNORECASE)),
    (
        "date",
        re.compile(
            rf"\b\d{{4}}-\d\d?-\d\d?\b|\b\d\d?[/.]\d\d?[/.]\d{{2,4}}\b|\b\d\d?(?:st|nd|rd|th)?(?: of)? {MONTH}(?:,? \d{{4}})?\b"
            rf"|\b{MONTH} \d\d?(?:st|nd|rd|th)?(?:,? \d{{4}})?\b|\b(?:today|tomorrow|yesterday|tonight)\b"
            rf"|\b(?:next |last |this )?{_DAY}\b|\b(?:next|last|this) (?:week|month|year)\b",
            re.IGNORECASE,
        ),
    ),
    (
        "time",
        re.compile(
            r"\b\d{1,2}:\d\d(?::\d\d)?(?: ?[ap]\.?m\b\.?)?|\b\d{1,2} ?[ap]\.?m\b\.?|\b(?:noon|midnight)\b",
            re.IGNORECASE,
        ),
    ),
    (
        "phone",
        re.compile(
            r"(?<![\w+])\+\d{1,3}[ .-]?(?:\(?\d{1,4}\)?[ .-]?){2,4}\d{2,4}\b|(?<![\w(])\(?\d{3}\)?[ .-]{1,3}\d{3}[ .-]\d{4}\b|(?<!\w)\(\d{3}\)\d{3}-?\d{4}\b"
        ),
    ),
    (
        "amount",
        re.compile(
            r"[$€£]+ ?\d[\d,]*(?:\.\d+)?|\b\d[\d,]*(?:\.\d+)? ?(?:dollars|usd|bucks|euros?|eur|pounds|gbp)\b",
            re.IGNORECASE,
        ),
    ),
    (
        "address",
        re.compile(
            rf"\b\d{{1,6}} (?:[A-Z0-9][\w.'-]* ){{1,4}}?(?:{_STREET})\b\.?(?:,? (?:apt|unit|suite|#) ?\w+)?(?:,? [A-Z][A-Za-z.]+(?: [A-Z][A-Za-z.]+)*)?(?:,? [A-Z]{{2}}\b)?(?:,? \d{{5}}(?:-\d{{4}})?)?",
            re.IGNORECASE,
        ),
    ),
    ("id", re.compile(r"(?<![\w@.$])#?((?=[\w-]*\d)[A-Za-z0-9][\w-]{3,}[A-Za-z0-9])(?![\w@])")),
    (
        "number",
        re.compile(
            r"(?<![\w.,$-])\d{1,4}(?:\.\d+)?(?![\w@-])|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve)\b",
            re.IGNORECASE,
        ),
    ),
)
_NUMBERS = {
    word: str(value)
    for value, word in enumerate("zero one two three four five six seven eight nine ten eleven twelve".split())
}
NO_NAMES = frozenset(
    "hi hello hey thanks thank you yes no ok okay sure please order orders account card credit debit gift username email "
    "address phone number id zip code name shipping status delivery delivered received transit in out for by mail store drop "
    "off center gold silver bronze guest member membership premium subscription product brand amount size color the my it is "
    "and but not i monday tuesday wednesday thursday friday saturday sunday january february march april june july august "
    "september october november december refund return item items price promo customer service good great morning afternoon "
    "evening day bye paypal visa mastercard street avenue road drive lane purchase date city state full first last what how "
    "when why who where can could would will do does did this that there here just let me we our your to of on at with so "
    "oh well alright right fine cool awesome perfect new old current change add value check paper way next week waive fee "
    "don't dont know sorry never mind mind nothing all set done none also".split()
)
"""Words that begin with a capital or stand alone often enough, and are no part of a person's name."""


@dataclass(frozen=True, slots=True)
class Mention:
    """A value in a text; `label` is what stands before it, in small letters, up to the sentence's or the last value's end."""

    kind: str
    value: str
    label: str
    start: int


@lru_cache(maxsize=8192)
def mentions(text: str) -> tuple[Mention, ...]:
    """The values in a text, in its order; no character belongs to two of them, but a name may stand beside any."""
    found: list[tuple[int, int, str, str]] = []
    has_digit = any(character.isdigit() for character in text)
    for kind, shape in _SHAPES:
        if not has_digit and kind in _NEED_DIGITS:
            continue
        for match in shape.finditer(text):
            start, end = match.span()
            if any(start < there[1] and there[0] < end for there in found):
                continue
            value = (match[1] if kind == "id" else match[0]).strip(" .,;")
            if kind == "id" and value.isdigit() and len(value) == 5:
                kind_here = "zip"
            else:
                kind_here = kind
            found.append((start, end, kind_here, _NUMBERS.get(value.lower(), value)))
    found.sort()
    result: list[Mention] = []
    before = 0
    for start, end, kind, value in found:
        label = text[before:start].lower()
        label = label[max(label.rfind("."), label.rfind("\n"), label.rfind("?")) + 1 :][-60:]
        result.append(Mention(kind, value, label, start))
        before = end
    result.extend(_names(text))
    return tuple(result)


_NEED_DIGITS = frozenset(("phone", "amount", "address", "id"))


def _names(text: str) -> list[Mention]:
    names: list[Mention] = []
    for match in _INTRODUCED.finditer(text):
        if value := name_in(match[1]):
            names.append(Mention("name", value, "name", match.start(1)))
    if not names:
        for match in _LOWER_INTRODUCED.finditer(text):
            if value := name_in(match[1]):
                names.append(Mention("name", value, "name", match.start(1)))
    if not names and len(text) < 60:
        # A message that is nothing but a name, or begins with one, needs no introduction.
        head = re.split(r"[,.;:!\n]|\band\b", text.strip(), maxsplit=1)[0].strip()
        if _CAPITALISED.fullmatch(head) and (value := name_in(head)) == head:
            names.append(Mention("name", value, "", 0))
    return names


def name_in(text: str) -> str:
    """The first two or three words on end that may be a person's name; "" when there are none."""
    words: list[str] = []
    for word in re.findall(r"[^\s,.;:!?()\"]+", text):
        if word.lower() in NO_NAMES or not re.fullmatch(r"[A-Za-zÀ-ÿ'’-]+", word):
            if len(words) > 1:
                break
            words = []
        else:
            words.append(word)
            if len(words) == 3:
                break
    return " ".join(words) if len(words) > 1 else ""


def asked_kinds(question: str) -> tuple[str, ...]:
    """The kinds of value that a question asks for, in the order in which it names them."""
    return _asked_kinds(question)


@lru_cache(maxsize=8192)
def _asked_kinds(question: str) -> tuple[str, ...]:
    places: list[tuple[int, str]] = []
    taken: list[tuple[int, int]] = []
    for kind, pattern in ASKED.items():
        for match in pattern.finditer(question):
            if not any(match.start() < end and start < match.end() for start, end in taken):
                taken.append(match.span())
                places.append((match.start(), kind))
                break
    return tuple(kind for _, kind in sorted(places))


_PLAIN = frozenset(
    "a an and any are at be been by can could do does for from give had has have how i id if in is it its kind like may me my no "
    "number of on one or our please provide same so tell that the their them there they this to us was we what when which who "
    "will with would you your yours also need value text number code name date time full first last current new user customer".split()
)


@lru_cache(maxsize=8192)
def telling_words(text: str) -> frozenset[str]:
    """The words of a text that say what it is about, in small letters, cut to six letters so that endings do not count."""
    return frozenset(word[:6] for word in re.findall(r"[a-z]+", text.lower()) if word not in _PLAIN and len(word) > 2)
