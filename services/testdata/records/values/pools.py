"""Dictionaries of realistic values by locale, made once by Mimesis. The values of a row of a pool belong together."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

from shared.yaml import load_file

SIZE = 4_096
"""Rows of a pool."""
DEFAULT_LOCALE = "en-GB"
_SEED = 20_261_128
_MIMESIS = {"en-GB": "en-gb", "en-US": "en"}
"""Mimesis' names of locales, where they are not the language."""
_DOMAINS = ("example.com", "example.org", "example.net")
"""Reserved (RFC 2606), so that no test sends mail to anybody."""

Columns: TypeAlias = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class _Source:
    """What a pool is made from."""

    locale: str
    random: Random
    library: Any
    country: Mapping[str, Any]
    goods: Mapping[str, list[str]]


def locales() -> tuple[str, ...]:
    """The locales that have values."""
    return tuple(_countries())


@lru_cache(maxsize=64)
def pool(name: str, locale: str) -> Columns:
    """The columns of a pool, SIZE values each. The locale must be known."""
    from mimesis import Generic, Locale  # loads slowly, and only where records are generated

    library = Generic(Locale(_MIMESIS.get(locale, locale[:2])), seed=_SEED)
    source = _Source(locale, Random(_SEED), library, _countries()[locale], _file("goods.yaml"))  # noqa: S311
    rows = [POOLS[name](source) for _ in range(SIZE)]
    return {column: tuple(row[column] for row in rows) for column in rows[0]}


@lru_cache(maxsize=1)
def _countries() -> Mapping[str, Mapping[str, Any]]:
    found: Mapping[str, Mapping[str, Any]] = _file("places.yaml")
    return found


@lru_cache(maxsize=8)
def _file(name: str) -> Any:
    return load_file(Path(__file__).parent / name)


def ascii_of(text: str) -> str:
    """The text as lower-case ASCII letters and digits, as in names of users."""
    spelled = text.lower().translate(_SPELLED)
    return re.sub(r"[^a-z0-9]+", "", unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode())


_SPELLED = {
    ord("ä"): "ae",
    ord("ö"): "oe",
    ord("ü"): "ue",
    ord("ß"): "ss",
    ord("ø"): "o",
    ord("ł"): "l",
    ord("æ"): "ae",
}


def _person(source: _Source) -> dict[str, str]:
    person, random = source.library.person, source.random
    first, last = person.first_name(), person.last_name()
    user = f"{ascii_of(first) or 'user'}.{ascii_of(last) or 'name'}"
    return {
        "first": first,
        "last": last,
        "full": f"{first} {last}",
        "user": user,
        "email": f"{user}@{random.choice(_DOMAINS)}",
        "occupation": person.occupation(),
    }


def _place(source: _Source) -> dict[str, str]:
    random, country = source.random, source.country
    city, region, code, dialled, digits = random.choice(country["cities"])
    filled = "".join(
        str(random.randrange(10)) if one == "#" else random.choice("ABDEFGHJLNPRSTUW") if one == "@" else one
        for one in code
    )
    number = str(random.randrange(2, 10)) + "".join(str(random.randrange(10)) for _ in range(digits - 1))
    return {
        "street": source.library.address.address(),
        "line2": f"{random.choice(('2nd floor', 'Flat', 'Apt', 'Unit'))} {random.randrange(1, 60)}",
        "city": city,
        "region": region,
        "postcode": filled,
        "phone": dialled + number,
        "country": country["country"],
        "country_name": country["country_name"],
        "currency": country["currency"],
        "timezone": country["timezone"],
        "locale": source.locale,
        "language": source.locale[:2],
    }


def _company(source: _Source) -> dict[str, str]:
    name = source.library.finance.company()
    host = f"{ascii_of(name)[:30] or 'company'}.{source.random.choice(_DOMAINS)}"
    return {"name": name, "email": f"info@{host}", "host": host, "url": f"https://www.{host}/"}


def _product(source: _Source) -> dict[str, str]:
    random, goods = source.random, source.goods
    colour, thing, kind = random.choice(goods["colours"]), random.choice(goods["things"]), random.choice(goods["kinds"])
    material = random.choice(goods["materials"])
    name = random.choice((f"{kind} {colour} {thing}", f"{kind} {material} {thing}", f"{colour} {material} {thing}"))
    return {
        "name": name.capitalize(),
        "sku": f"{thing[:4]}-{colour[:4]}-{random.randrange(100, 1000)}".upper(),
        "description": f"{name.capitalize()}. {' '.join(random.sample(goods['descriptions'], 2))}",
        "colour": colour,
        "material": material,
    }


def _text(source: _Source) -> dict[str, str]:
    random, goods = source.random, source.goods
    sentences = random.sample(goods["sentences"], 3)
    words = random.sample(goods["things"], 3)
    return {
        "word": random.choice(goods["things"]),
        "words": " ".join(words[: random.randrange(1, 4)]),
        "title": random.choice(goods["titles"]),
        "subject": random.choice(goods["subjects"]),
        "sentence": sentences[0],
        "paragraph": " ".join(sentences[: random.randrange(1, 4)]),
        "json": f'{{"{words[0]}":"{words[1]}","count":{random.randrange(100)},"tags":["{words[2]}"]}}',
    }


def _technical(source: _Source) -> dict[str, str]:
    internet, random = source.library.internet, source.random
    number = random.randrange(1, 256)
    return {
        "ip": f"{random.choice(('192.0.2', '198.51.100', '203.0.113'))}.{number}",
        "ipv6": f"2001:db8::{random.randrange(1, 1 << 16):x}",
        "mac": internet.mac_address(),
        "agent": internet.user_agent(),
        "file": source.library.file.file_name(),
        "mime": source.library.file.mime_type(),
        "version": source.library.development.version(),
        "hash": f"{random.getrandbits(128):032x}",
    }


_BANK = {
    "GB": "@@@@##############",
    "DE": "##################",
    "FR": "#######################",
    "ES": "####################",
    "IT": "@######################",
    "NL": "@@@@##########",
    "PL": "########################",
    "US": "",
}
"""The account numbers of each country, after the check digits of an IBAN."""


def _bank(source: _Source) -> dict[str, str]:
    random, country = source.random, str(source.country["country"])
    form = _BANK[country]
    account = "".join(str(random.randrange(10)) if one == "#" else random.choice("ABCDEFGH") for one in form)
    # ISO 13616: letters count from A = 10, and the whole is 1 modulo 97.
    whole = int("".join(str(int(one, 36)) for one in f"{account}{country}00"))
    card = f"4{random.randrange(10**14):014d}"
    return {
        "iban": f"{country}{98 - whole % 97:02d}{account}" if form else f"{random.randrange(10**10):010d}",
        "bank": source.library.finance.bank(),
        "card": card + _luhn(card),
    }


def _luhn(digits: str) -> str:
    """The check digit of a card number."""
    doubled = [int(one) * (2 if place % 2 == 0 else 1) for place, one in enumerate(reversed(digits))]
    return str(-sum(one - 9 if one > 9 else one for one in doubled) % 10)


POOLS: Mapping[str, Callable[[_Source], dict[str, str]]] = {
    "people": _person,
    "places": _place,
    "companies": _company,
    "products": _product,
    "texts": _text,
    "technical": _technical,
    "banks": _bank,
}
"""How a row of each pool is made."""
