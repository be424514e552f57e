"""Numbers as people read them."""

from services.evaluator.reports.model import Rate

MINUS = "−"


def percent(share: float) -> str:
    """A share as per cent: `94 %`; with a digit more near the ends, so that 99.6 % is not called 100 %."""
    return f"{_digits(share * 100)} %"


def points(difference: float) -> str:
    """A difference of shares in percentage points, with its sign: `−32`, `+4`, `0`."""
    written = f"{abs(difference) * 100:.0f}"
    if written == "0":
        return "0" if difference == 0 else _signed(difference, f"{abs(difference) * 100:.1f}")
    return _signed(difference, written)


def _signed(difference: float, written: str) -> str:
    return f"{MINUS if difference < 0 else '+'}{written}"


def _digits(value: float) -> str:
    near_an_end = 0 < value < 1 or 99 < value < 100
    return f"{value:.1f}" if near_an_end else f"{value:.0f}"


def p_value(p: float) -> str:
    """A p-value with its sign of equality: `p = 0.03`, `p < 0.001`."""
    if p < 0.001:
        return "p < 0.001"
    return f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def confidence(alpha: float) -> str:
    """The confidence of the intervals: `95 %`."""
    return f"{(1 - alpha) * 100:g} %"


def out_of(rate: Rate) -> str:
    """A rate as `47 of 50`, or `none` if there is nothing that it is a rate of."""
    return f"{rate.successes:,} of {rate.total:,}" if rate.total else "none"
