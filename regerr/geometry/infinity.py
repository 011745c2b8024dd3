"""Whether implicit regions are bounded: the statistic far out, in all directions."""

from __future__ import annotations

import numpy as np

from ..linalg import entries, square
from ..regions import Region
from .charts import Straight, wald_matrix
from .rays import Field, by_parts, extended, flat

_FAR = 1e5  # times the distances involved: the statistics have settled there to some parts in a million
_DIRECTIONS = {2: 16, 3: 60}
_DOUBT = 1.3  # between these directions a root excess is at most 1.12 times lower (affine, thin layouts)
_CANDIDATES = 4
_HALVINGS = 10


def bounded(region: Region) -> np.ndarray:
    """Whether each region is bounded, (..., m) bool; that of a failed dataset, or of an exact fit, counts as bounded.

    A region is unbounded when in some direction the statistic stays below its threshold for ever (theory, section 10): under
    noise in both spaces a distant new pair no longer adds to the residuals, it turns the fit.
    """
    return by_parts(region, _bounded, bool)


def _bounded(region: Region) -> np.ndarray:
    out, rows = np.ones(len(region.prediction.targets), bool), extended(region)
    if len(rows):
        out[rows] = closes(flat(region, rows))
    return out


def closes(region: Region) -> np.ndarray:
    """Whether the statistic exceeds its threshold far out in all directions, for N flat regions of some extent, (N,).

    Both statistics are even there, so half of the directions suffice; they come denser where the Wald ellipsoid is long.
    """
    p = region.prediction
    frame = np.linalg.cholesky(wald_matrix(region))
    size, lever = np.linalg.norm(frame, axis=(-2, -1)), np.linalg.norm(p.mean[:, 0] - p.fit.y_mean, axis=-1)
    far = entries(frame * (_FAR * (lever / size + 1.0))[:, None, None])[..., 0]
    field = Field(region, Straight(p.fit.y_mean.T, far))
    directions = _half_ball(p.dimension)
    values = field(np.broadcast_to(directions[..., None], (*directions.shape, field.size)))
    lowest = values.min(0)
    doubtful = np.flatnonzero((lowest > 1.0) & (lowest < _DOUBT))
    if len(doubtful):
        lowest[doubtful] = _lowest(field.take(doubtful), directions, values[:, doubtful])
    return np.asarray(lowest > 1.0)


def _half_ball(d: int) -> np.ndarray:
    """Directions (d, K) over half of the circle, or of the sphere in a spiral of equal areas."""
    k = _DIRECTIONS[d]
    step = (np.arange(k) + 0.5) / k
    if d == 2:
        return np.stack([np.cos(np.pi * step), np.sin(np.pi * step)])
    angle, r = np.pi * (1.0 + np.sqrt(5.0)) * np.arange(k), np.sqrt(1.0 - step**2)
    return np.stack([r * np.cos(angle), r * np.sin(angle), step])


def _lowest(field: Field, directions: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Smallest value over all directions (N,): a pattern search from the lowest valleys of those sampled, (d, K) and (K, N)."""
    d, k = directions.shape
    spacing = np.pi / k if d == 2 else np.sqrt(2.0 * np.pi / k)
    beside = np.abs(directions.T @ directions) > np.cos(1.6 * spacing)
    valley = np.array([(values[i] <= values[beside[i]]).all(0) for i in range(k)])
    starts = np.argsort(np.where(valley, values, np.inf), 0)[:_CANDIDATES]
    n, best = directions[:, starts], np.take_along_axis(values, starts, 0)
    moves = np.concatenate([np.eye(d), -np.eye(d)]).T[:, :, None, None]
    for halving in range(_HALVINGS):
        trial = n[:, None] + spacing * 0.6**halving * moves
        trial = trial / np.sqrt(square(trial))
        found = field(trial.reshape(d, -1, field.size)).reshape(trial.shape[1:])
        chosen = found.argmin(0)[None]
        better = np.take_along_axis(found, chosen, 0)[0]
        n = np.where(better < best, np.take_along_axis(trial, chosen[None], 1)[:, 0], n)
        best = np.minimum(better, best)
    return np.asarray(best.min(0))
