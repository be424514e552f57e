"""What a text field means, by its format and its name: which column of which pool has its values."""

import re
from dataclasses import dataclass

from shared.model.packs.model import Field


@dataclass(frozen=True, slots=True)
class Meaning:
    """A column of a pool. group: fields of an entity with the same pool and group have values that belong together."""

    pool: str
    column: str
    group: str = ""


_FORMATS = {
    "email": ("people", "email"),
    "phone": ("places", "phone"),
    "url": ("companies", "url"),
    "uri": ("companies", "url"),
    "hostname": ("companies", "host"),
    "country": ("places", "country"),
    "currency": ("places", "currency"),
    "iban": ("banks", "iban"),
    "ipv4": ("technical", "ip"),
    "ipv6": ("technical", "ipv6"),
}

_PERSON = (
    "customer|client|user|person|people|employee|contact|author|member|patient|student|teacher|agent|owner|guest|driver|"
    "passenger|recipient|subscriber|account|buyer|seller|holder|sender|artist|manager|staff|lead|applicant|visitor|actor"
    "|composer"
)
_COMPANY = (
    "company|supplier|vendor|manufacturer|brand|organi[sz]ation|merchant|carrier|shipper|store|shop|employer|publisher"
    "|firm"
)
_PRODUCT = "product|item|article|goods?|part|inventory"

_NAMES: tuple[tuple[str, str, str], ...] = (
    (r"e?_?mail(_address)?", "people", "email"),
    (r"(first|given|fore)_?names?", "people", "first"),
    (r"(last|family)_?name|surname", "people", "last"),
    (r"full_?name|display_name|(recipient|contact|author|assignee|reporter|attn)(_name)?", "people", "full"),
    (r"user_?name|login|handle|nick(name)?", "people", "user"),
    (r"occupation|job(_title)?|profession|position", "people", "occupation"),
    (r"(?<=contact_)title", "people", "occupation"),
    (r"phone(_number)?|telephone|mobile|fax|tel", "places", "phone"),
    (r"street(_address)?|(address_?)?line_?1?|address(_1)?", "places", "street"),
    (r"(address_?)?line_?2|address_2|apartment", "places", "line2"),
    (r"city|town|locality", "places", "city"),
    (r"(region|state|province|county)(_name)?", "places", "region"),
    (r"post(al)?_?code|zip(_?code)?", "places", "postcode"),
    (r"country(_code|_name)?", "places", "country"),
    (r"currency(_code)?", "places", "currency"),
    (r"time_?zone", "places", "timezone"),
    (r"locale", "places", "locale"),
    (r"language", "places", "language"),
    (rf"({_COMPANY})(_name)?", "companies", "name"),
    (r"url|website|link|home_?page|uri", "companies", "url"),
    (r"host(name)?|domain", "companies", "host"),
    (r"sku|article_number", "products", "sku"),
    (rf"({_PRODUCT})_name", "products", "name"),
    (rf"({_PERSON}|ship|shipping|billing)_name", "people", "full"),
    (r"colou?r", "products", "colour"),
    (r"material", "products", "material"),
    (r"iban", "banks", "iban"),
    (r"bank(_name)?", "banks", "bank"),
    (r"card_number", "banks", "card"),
    (r"ip(_address)?|ipv4", "technical", "ip"),
    (r"user_agent", "technical", "agent"),
    (r"file(_?name)?|attachment", "technical", "file"),
    (r"(mime|content)_type", "technical", "mime"),
    (r"version", "technical", "version"),
    (r"(check|md5)_?sum|hash|digest|password|secret|token", "technical", "hash"),
    (r"subject", "texts", "subject"),
    (r"title|headline|caption", "texts", "title"),
    (
        r"text|body|note|notes|comment|comments|message|review|summary|content|details|remarks|answer|question",
        "texts",
        "paragraph",
    ),
)
_PATTERNS = [(re.compile(rf"(?:(?P<group>.*)_)?(?:{names})"), pool, column) for names, pool, column in _NAMES]


def snake(name: str) -> str:
    """A name as lower-case words with underscores between them."""
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()).strip("_")


def meaning(field: Field, entity: str) -> Meaning | None:
    """What a field of an entity means; None if nothing tells it."""
    name, owner = snake(field.name), snake(entity)
    for pattern, pool, column in _PATTERNS:
        found = pattern.fullmatch(name)
        if found is None or (field.format in _FORMATS and _FORMATS[field.format] != (pool, column)):
            continue
        if column == "title" and _is(_PERSON, owner):
            return Meaning("people", "occupation", found["group"] or "")
        if (pool, column) == ("people", "email") and _is(_COMPANY, owner):
            return Meaning("companies", "email")
        if (pool, column) == ("places", "country") and field.format != "country" and _long(field):
            column = "country_name"
        return Meaning(pool, column, found["group"] or "")
    if field.format in _FORMATS:
        return Meaning(*_FORMATS[field.format])
    if name == "name":
        return Meaning(*_name_of(owner))
    if name == "description":
        return Meaning("products", "description") if _is(_PRODUCT, owner) else Meaning("texts", "paragraph")
    return None


def _long(field: Field) -> bool:
    return not field.pattern and (field.max_length is None or field.max_length > 3)


def _is(names: str, owner: str) -> bool:
    return re.fullmatch(rf"(.*_)?({names})s?", owner) is not None


def _name_of(owner: str) -> tuple[str, str]:
    if _is(_PERSON, owner):
        return "people", "full"
    if _is(_COMPANY, owner):
        return "companies", "name"
    if _is(_PRODUCT, owner):
        return "products", "name"
    return "texts", "words"
