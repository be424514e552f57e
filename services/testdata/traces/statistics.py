"""The statistics that learning and certificates need: the Wilson interval and the chi-square distribution's tail."""

import math

_STIRLING_FROM = 10.0
_TINY = 1e-300
_PRECISION = 1e-15


def wilson(count: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """The Wilson score interval of the share count / n; (0, 1) if n is 0.

    z: the number of standard deviations; 1.959964 for 95 %. Source: E. B. Wilson, JASA 22 (1927), p. 209.
    """
    if not n:
        return 0.0, 1.0
    share, square = count / n, z * z
    middle = share + square / (2 * n)
    spread = z * math.sqrt(share * (1 - share) / n + square / (4 * n * n))
    scale = 1 + square / n
    low = 0.0 if count == 0 else (middle - spread) / scale
    high = 1.0 if count == n else (middle + spread) / scale
    return low, high


def chi2_sf(x: float, dof: float) -> float:
    """The probability that a chi-square variable with dof degrees of freedom is above x; 1 for dof = 0 and x = 0.

    Relative error below 1e-10 for dof up to 10^6, unless the result is subnormal. The upper regularised incomplete
    gamma function Q(dof/2, x/2): a power series below the mean, and above it the continued fraction 8.9.2 of DLMF by
    Lentz's method.
    """
    if dof < 0 or math.isnan(x):
        raise ValueError("a chi-square distribution has no negative degrees of freedom, and x is a number")
    if x <= 0:
        return 1.0
    if dof == 0 or math.isinf(x):
        return 0.0
    a, half = dof / 2, x / 2
    density = _density(a, half)
    if half < a + 1:
        return 1.0 - density * _series(a, half)
    return density * _fraction(a, half)


def _density(a: float, x: float) -> float:
    """x^a e^-x / Γ(a); through Stirling's series for large a, whose plain terms would cancel ten digits."""
    if a < _STIRLING_FROM:
        return math.exp(a * math.log(x) - x - math.lgamma(a))
    inverse = 1 / (a * a)
    correction = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse / 1680))) / a
    return math.sqrt(a / math.tau) * math.exp(a * _log1p_less((x - a) / a) - correction)


def _log1p_less(m: float) -> float:
    """log(1 + m) - m without the cancellation near 0: by 2·artanh(r) with r = m / (2 + m)."""
    if not -0.5 < m < 1:
        return math.log1p(m) - m
    r = m / (2 + m)
    total, power, n = 0.0, r**3, 3
    while abs(power / n) > _PRECISION * abs(m * r):
        total += power / n
        power, n = power * r * r, n + 2
    return 2 * total - m * r


def _series(a: float, x: float) -> float:
    """P(a, x) divided by x^a e^-x / Γ(a): the sum of x^n / (a (a + 1) … (a + n))."""
    term = total = 1 / a
    n = a
    while term > total * _PRECISION:
        n += 1
        term *= x / n
        total += term
    return total


def _fraction(a: float, x: float) -> float:
    """Q(a, x) divided by x^a e^-x / Γ(a)."""
    b = x + 1 - a
    c, d = 1 / _TINY, 1 / b
    value, change, n = d, 0.0, 0
    while abs(change - 1) > _PRECISION:
        n += 1
        factor = -n * (n - a)
        b += 2
        d = 1 / (factor * d + b or _TINY)
        c = b + factor / c or _TINY
        change = c * d
        value *= change
    return value
