"""The moderated score test of two groups, drive by drive and band by band, in plain Python.

A group is a list of drives; a drive a list of (amount, exposure), one a speed band.
"""

from __future__ import annotations

import math

from scipy import stats

Drive = list[tuple[float, float]]


def dispersion(groups: list[list[Drive]], least: float = 1.0) -> tuple[float, float, float, float]:
    """phi and k together, phi alone, k alone."""
    n_bands = len(groups[0][0])
    rates = []
    for s in range(n_bands):
        amount = sum(drive[s][0] for group in groups for drive in group)
        exposure = sum(drive[s][1] for group in groups for drive in group)
        rates.append(amount / exposure if exposure else 0.0)
    p1 = p2 = n_all = s1 = s2 = 0.0
    for group in groups:
        expected = [sum(r * t for r, (_, t) in zip(rates, drive, strict=True)) for drive in group]
        amounts = [sum(x for x, _ in drive) for drive in group]
        drives = [(x, m) for x, m in zip(amounts, expected, strict=True) if m > 0]
        n, total = len(drives), sum(amounts)
        if n < 2 or not total:
            continue
        q = total / sum(expected)
        for x, m in drives:
            p1 += n / (n - 1) * (x - q * m) ** 2 / (q * m)
            p2 += n / (n - 1) * (x - q * m) ** 2
            s2 += (q * m) ** 2
        n_all += n
        s1 += total
    if not n_all:
        return least, 0.0, least, 0.0
    phi_alone = max(least, p1 / n_all, p2 / s1)
    k_alone = max(0.0, (p2 - least * s1) / s2)
    det = n_all * s2 - s1**2
    if det > 0.001 * n_all * s2:
        phi, k = (p1 * s2 - p2 * s1) / det, (n_all * p2 - s1 * p1) / det
    else:
        phi, k = least, (p2 - least * s1) / s2
    if k < 0:
        phi, k = max(p1 / n_all, p2 / s1), 0.0
    if phi < least:
        phi, k = least, k_alone
    return phi, k, phi_alone, k_alone


def score(
    a: list[Drive],
    b: list[Drive],
    fit: tuple[float, float, float, float],
    theta: float = 1.0,
    least: float = 1.0,
    *,
    n_shared: int = 0,
) -> tuple[float, float, float]:
    """T, its degrees of freedom and p, of B's rates being theta times A's.

    The first n_shared drives of A are also the first ones of B.
    """
    phi, k = fit[:2]
    b = [[(x, t * theta) for x, t in drive] for drive in b]
    n_bands = len(a[0])

    def common(weights: list[list[float]]) -> list[float]:
        rates = []
        for s in range(n_bands):
            top = bottom = 0.0
            for group, ws in zip((a, b), weights, strict=True):
                for drive, w in zip(group, ws, strict=True):
                    top += w * drive[s][0]
                    bottom += w * drive[s][1]
            rates.append(top / bottom if bottom else 0.0)
        return rates

    def weigh(rates: list[float]) -> list[list[float]]:
        found = []
        for group in (a, b):
            means = [sum(r * t for r, (_, t) in zip(rates, d, strict=True)) for d in group]
            found.append([1 / (phi + k * m) if phi + k * m else 0.0 for m in means])
        return found

    rates = common([[1.0] * len(a), [1.0] * len(b)])
    rates = common(weigh(rates))
    weights = weigh(rates)
    lengths = [
        [sum(w * d[s][1] for d, w in zip(g, ws, strict=True)) for s in range(n_bands)]
        for g, ws in zip((a, b), weights, strict=True)
    ]
    sides = []
    for number, (group, ws) in enumerate(zip((a, b), weights, strict=True)):
        shares = [
            lengths[1 - number][s] / (lengths[0][s] + lengths[1][s])
            if lengths[0][s] + lengths[1][s]
            else 0.0
            for s in range(n_bands)
        ]
        y = [sum(c * x for c, (x, _) in zip(shares, d, strict=True)) for d in group]
        m1 = [sum(c * r * t for c, r, (_, t) in zip(shares, rates, d, strict=True)) for d in group]
        m2 = [
            sum(c * c * r * t for c, r, (_, t) in zip(shares, rates, d, strict=True)) for d in group
        ]
        total = sum(w * v for w, v in zip(ws, y, strict=True))
        expected = sum(w * v for w, v in zip(ws, m1, strict=True))
        means = [sum(r * t for r, (_, t) in zip(rates, d, strict=True)) for d in group]
        sides.append(_side(ws, (y, m1, m2, means), (total, expected), fit, least))
    (y_a, v_a, nu_a, of_a), (y_b, v_b, nu_b, of_b) = sides
    apart = v_a + v_b
    if not apart:
        return 0.0, 1.0, 1.0
    common = weight = squares = 0.0
    for (r_a, m_a), (r_b, m_b) in zip(of_a[:n_shared], of_b[:n_shared], strict=True):
        common += r_a * r_b
        weight += math.sqrt(m_a * m_b)
        squares += m_a * m_b
    nu = max(weight**2 / squares - 1, 0) if squares else 0
    floor = max(least * sum(m for _, m in of_a + of_b), apart / 10)
    variance = max(apart - 2 * common * nu / (nu + 8), floor)
    t = (y_b - y_a) / math.sqrt(variance)
    df = apart**2 / (v_a**2 / (nu_a + 8) + v_b**2 / (nu_b + 8))
    return t, df, 2 * float(stats.t.sf(abs(t), df))


def _side(ws, sums, totals, fit, least):
    (y, m1, m2, means), (total, expected) = sums, totals
    phi, k, phi_alone, k_alone = fit
    if not expected:
        return total, 0.0, 0.001, [(0.0, 0.0) for _ in ws]
    q = total / expected

    def model(ratio: float) -> float:
        joint = alone = mixed = 0.0
        for w, one, two in zip(ws, m1, m2, strict=True):
            joint += w * w * (phi * ratio * two + k * ratio**2 * one**2)
            alone += w * w * phi_alone * ratio * two
            mixed += w * w * (least * ratio * two + k_alone * ratio**2 * one**2)
        return max(joint, alone, mixed)

    hc2 = sum(
        w * w * (v - q * one) ** 2 / (1 - min(w * one / expected, 0.999))
        for w, v, one in zip(ws, y, m1, strict=True)
    )
    parts = [w * w * (phi * two + k * one**2) for w, one, two in zip(ws, m1, m2, strict=True)]
    squares = sum(part**2 for part in parts)
    nu = sum(parts) ** 2 / squares - 1 if squares else 0.0
    if least and squares:
        tails = 0.0
        for part, m in zip(parts, means, strict=True):
            if m:
                tails += part**2 * (6 * (phi + k * m - 1) / m + 1 / (m * (phi + k * m)))
        nu *= 2 / (2 + 0.2 * max(tails / squares - 30, 0))
    nu = max(nu, 0.001)
    own = model(q)
    factor = (nu * (hc2 / own if own else 1.0) + 8) / (nu + 8)
    least_variance = least * sum(w * w * two for w, two in zip(ws, m2, strict=True))
    drives = [
        (w * (v - q * one) / math.sqrt(1 - min(w * one / expected, 0.999)), w * w * two)
        for w, v, one, two in zip(ws, y, m1, m2, strict=True)
    ]
    return total, max(factor * model(1.0), least_variance), nu, drives


def limits(a: list[Drive], b: list[Drive], fit, least: float = 1.0) -> tuple[float, float]:
    """The ends of the ratios with p >= 0.05 that surround the estimate, by small steps of log."""
    grid = [math.exp(step / 400) for step in range(-2400, 2401)]
    held = [theta for theta in grid if score(a, b, fit, theta, least)[2] >= 0.05]
    return held[0], held[-1]
