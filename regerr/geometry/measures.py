"""How much implicit regions hold.

All regions of a batch are measured together, flat (`rays`), in charts in which they are nearly balls (`charts`):
the content is an integral over directions of what rays from the predictions find. Regions like ellipses take a few samples; all
others get a closer look.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ..regions import Region
from .charts import charts_of
from .infinity import closes
from .rays import WIDE, Field, Scan, by_parts, circle, extended, flat, sphere

_SAMPLES = 1_000_000  # of a scan at a time
_TOLERANCE = {2: 5e-4, 3: 4e-3}  # relative, between an integral and a coarser one
_DEPTH = 14  # halvings of a panel


def _elliptic(values: np.ndarray) -> np.ndarray:
    """Whether samples at 1, 2 and 4 grow nearly as those of an ellipse do: no second piece is near, no direction nearly open."""
    one, two, four = values[1:]
    return np.asarray(((one > 0.75) & (one < 1.3) & (two > 1.4) & (four > 1.9) & (four > two)).all(0))


def _rising(values: np.ndarray) -> np.ndarray:
    """Whether samples rise until they are well outside, and stay there."""
    return np.asarray((values[1:] >= np.minimum(values[:-1], 1.2)).all((0, 1)))


def _any(values: np.ndarray) -> np.ndarray:
    return np.ones(values.shape[-1], bool)


@dataclass(frozen=True, eq=False)
class Look:
    """How closely rays are sampled.

    Attributes
    ----------
    radii : (S,)
    rays : int
        Around the circle, to start with.
    orders : tuple of int
        Of the rules on the sphere, tried in turn.
    trusts : callable
        Which regions (N,) the values (S + 1, K, N) suffice for.
    sharp : bool
        Whether samples move to where the field turns near the boundary.
    """

    radii: np.ndarray
    rays: int
    orders: tuple[int, ...]
    trusts: Callable[[np.ndarray], np.ndarray]
    sharp: bool = False

    def scan(self, field: Field, direction: np.ndarray) -> Scan:
        """Sample rays along directions (2 or 3, K, N or 1)."""
        scan = Scan.of(field, direction, self.radii)
        return scan.sharpened(field) if self.sharp else scan


_LOOKS = (
    Look(np.array([1.0, 2.0, 4.0]), 16, (5, 7, 12, 20, 32), _elliptic),
    Look(np.array([0.25, 0.5, 0.75, 1.0, 1.3, 1.7, 2.2, 3.0, 4.0, 6.0, 10.0, 20.0, 50.0, 1e3]), 32, (8, 12, 18, 27, 40), _rising),
    Look(WIDE, 96, (12, 18, 27, 40), _any, sharp=True),
)


def volume(region: Region) -> np.ndarray:
    """Area in 2D, volume in 3D, (..., m), target units to that power.

    Areas are right to 1e-3, or to 5e-3 where pieces nearly touch (the fewest fiducials); volumes to 1e-2.
    Infinite where unbounded, NaN for a failed dataset, 0 where the region is one point.
    """
    return by_parts(region, _volume, float)


def _volume(region: Region) -> np.ndarray:
    out, rows = np.where(region.prediction.fit.failure > 0, np.nan, 0.0), extended(region)
    if len(rows):
        closed = closes(flat(region, rows))
        out[rows[~closed]] = np.inf
        rows = rows[closed]
    if len(rows):
        kept = flat(region, rows)
        for group, chart in charts_of(kept):
            out[rows[group]] = _content(Field(flat(kept, group), chart))
    return out


def _content(field: Field) -> np.ndarray:
    """Content of N bounded regions, each by the first look that suffices."""
    out, rows = np.empty(field.size), np.arange(field.size)
    integral = _over_circle if field.dimension == 2 else _over_sphere
    for look in _LOOKS:
        directions = _circle(field, look.rays) if field.dimension == 2 else sphere(look.orders[0])[0]
        later = []
        for some in _portions(rows, directions.shape[1] * len(look.radii)):
            part = field.take(some)
            scan = look.scan(part, directions[..., None])
            enough = look.trusts(scan.values)
            kept = np.flatnonzero(enough)
            if len(kept):
                out[some[kept]] = integral(part.take(kept), scan.take(kept), look)
            later.append(some[~enough])
        rows = np.concatenate(later)
        if not len(rows):
            break
    return out


def _portions(rows: np.ndarray, samples: int) -> Iterator[np.ndarray]:
    """Rows in turn, as many at a time as make about _SAMPLES."""
    step = max(1, _SAMPLES // samples)
    for i in range(0, len(rows), step):
        yield rows[i:i + step]


def _circle(field: Field, k: int) -> np.ndarray:
    """Directions at equal angles (2, k), or those of one half with both its ends where that says all."""
    return circle(k)[:, :k // 2 + 1] if field.symmetric else circle(k)


def _over_circle(field: Field, scan: Scan, look: Look) -> np.ndarray:
    """Integral over the angle: equal steps, best for a smooth periodic function, and panels where they have not settled."""
    values = scan.contents(field)
    if not field.symmetric:
        values = np.concatenate([values, values[:1]])
    turn = np.pi if field.symmetric else 2.0 * np.pi
    total = _trapezoid(values, turn)
    rough = np.flatnonzero(_unsettled(total, _trapezoid(values[::2], turn), _TOLERANCE[2]))
    if len(rough):
        total[rough] = _by_panels(field.take(rough), values[:, rough], turn, look)
    return total * (2.0 if field.symmetric else 1.0)


def _trapezoid(values: np.ndarray, turn: float) -> np.ndarray:
    return np.asarray((values.sum(0) - 0.5 * (values[0] + values[-1])) * (turn / (len(values) - 1)))


def _unsettled(fine: np.ndarray, coarse: np.ndarray, tolerance: float) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return np.asarray(np.isfinite(fine) & ~(np.abs(fine - coarse) <= tolerance * fine))


def _by_panels(field: Field, values: np.ndarray, turn: float, look: Look) -> np.ndarray:
    """Adaptive Simpson rule over panels of the angle, all regions at once; values (2 P + 1, N) at equal steps to start from."""
    panels, size = (len(values) - 1) // 2, values.shape[1]
    width = turn / panels
    row = np.tile(np.arange(size), panels)
    left = np.repeat(np.arange(panels) * width, size)
    first, middle, last = (values[i:i + 2 * panels:2].ravel() for i in (0, 1, 2))
    total = done = np.zeros(size)
    for _ in range(_DEPTH):
        lower, upper = _quarters(field, row, left, width, look)
        whole = width / 6.0 * (first + 4.0 * middle + last)
        halves = width / 12.0 * (first + 4.0 * (lower + upper) + 2.0 * middle + last)
        total = done + np.bincount(row, halves, size)
        with np.errstate(invalid="ignore"):
            rough = (np.abs(halves - whole) > 0.1 * _TOLERANCE[2] * total[row]) & np.isfinite(total[row])
        if not rough.any():
            break
        done = done + np.bincount(row[~rough], halves[~rough], size)
        row, left = np.tile(row[rough], 2), np.concatenate([left[rough], left[rough] + 0.5 * width])
        first, last = np.concatenate([first[rough], middle[rough]]), np.concatenate([middle[rough], last[rough]])
        middle, width = np.concatenate([lower[rough], upper[rough]]), 0.5 * width
    return np.asarray(total)


def _quarters(field: Field, row: np.ndarray, left: np.ndarray, width: float, look: Look) -> np.ndarray:
    """Contents along the rays at a quarter and three quarters of each panel, (2, M)."""
    out = np.empty((2, len(row)))
    for some in _portions(np.arange(len(row)), 2 * len(look.radii)):
        part, angle = field.take(row[some]), left[some] + width * np.array([[0.25], [0.75]])
        out[:, some] = look.scan(part, np.stack([np.cos(angle), np.sin(angle)])).contents(part)
    return out


def _over_sphere(field: Field, scan: Scan, look: Look) -> np.ndarray:
    """Integral over the sphere by product rules of rising order, until two agree."""
    out = sphere(look.orders[0])[1] @ scan.contents(field)
    rows = np.flatnonzero(np.isfinite(out))
    for order in look.orders[1:]:
        found = _on_sphere(field.take(rows), order, look)
        rough = _unsettled(found, out[rows], _TOLERANCE[3])
        out[rows] = found
        rows = rows[rough]
        if not len(rows):
            break
    return np.asarray(out)


def _on_sphere(field: Field, order: int, look: Look) -> np.ndarray:
    directions, weights = sphere(order)
    out = np.empty(field.size)
    for some in _portions(np.arange(field.size), len(weights) * len(look.radii)):
        part = field.take(some)
        out[some] = weights @ look.scan(part, directions[..., None]).contents(part)
    return out
