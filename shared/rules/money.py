"""Amounts of money as they are written: `EUR 19.99` is 1,999 cents."""

from shared.rules.syntax import Money

_DECIMALS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
"""The currencies of ISO 4217 whose minor unit is not a hundredth."""
_DECIMALS_OF = {currency: decimals for decimals, some in _DECIMALS.items() for currency in some.split()}


class TooManyDecimals(ValueError):
    """The amount has more decimals than its currency; the message is one sentence."""


def decimals_of(currency: str) -> int:
    """How many decimals amounts of a currency have."""
    return _DECIMALS_OF.get(currency, 2)


def read_money(text: str) -> Money:
    """Read `EUR 19.99`. Raises TooManyDecimals."""
    currency, amount = text.split()
    whole, _, fraction = amount.partition(".")
    decimals = decimals_of(currency)
    if len(fraction) > decimals:
        raise TooManyDecimals(f"An amount of {currency} has up to {decimals} decimals; `{text}` has {len(fraction)}.")
    return Money(int(whole + fraction.ljust(decimals, "0")), currency)


def write_money(money: Money) -> str:
    """Write an amount that is not negative, as in `EUR 19.99`."""
    decimals = decimals_of(money.currency)
    digits = str(money.minor_units).rjust(decimals + 1, "0")
    point = len(digits) - decimals
    return f"{money.currency} {digits[:point]}" + (f".{digits[point:]}" if decimals else "")
