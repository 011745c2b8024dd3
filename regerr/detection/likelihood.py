"""Maximum likelihood of spots under photon and camera noise, all at once, with the inverse of the Fisher information.

Each window is a spot on a background: ``mean = b + t (x - x0) + N profile(x - x0; size)``, and the variance of counts a straight
line in it. The score ``sum J (seen - mean)/variance`` is that of a Poisson law shifted by the read-out noise (Huang et al. 2013);
without a slope that of least squares. Fisher scoring with Levenberg's damping, every spot with a damping of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .camera import Variance
from .profiles import Axes, Profile

_ROUNDS = 60
_BLOCK = 2_000_000  # numbers in an array of derivatives
_SETTLED = 1e-4  # of a standard deviation
_NOTHING = 1e-30  # information so small that squares of its inverse would overflow


@dataclass(frozen=True, eq=False)
class Windows:
    """Cut-outs of one size.

    Attributes
    ----------
    axes : tuple of (k_a,) arrays
        Voxels along each axis of the array, from the middle.
    seen : (m, k) array
        Counts.
    inside : (m, k) array
        1 for pixels of the image, 0 beyond its edge.
    others : (m, k) array
        Counts expected from other spots in the window.
    """

    axes: Axes
    seen: np.ndarray
    inside: np.ndarray
    others: np.ndarray

    def rows(self, index: np.ndarray | slice) -> Windows:
        """Some of the windows."""
        return Windows(self.axes, self.seen[index], self.inside[index], self.others[index])


@dataclass(frozen=True)
class Model:
    """What stands in a window.

    Attributes
    ----------
    profile : Profile
    fixed_sizes : bool
        Whether sizes are known and stay as they start.
    tilted : bool
        Whether the background may be a plane.
    """

    profile: Profile
    fixed_sizes: bool = False
    tilted: bool = False

    def columns(self, dimension: int) -> tuple[slice, slice, slice, int]:
        """Where position, sizes and tilts stand among the parameters, and how many there are; N and b follow position."""
        d = dimension
        size = slice(d + 2, d + 2 + (0 if self.fixed_sizes else self.profile.sizes))
        tilt = slice(size.stop, size.stop + (d if self.tilted else 0))
        return slice(0, d), size, tilt, tilt.stop


@dataclass(frozen=True, eq=False)
class Found:
    """Fitted spots.

    Attributes
    ----------
    position : (m, d), in voxels from the middle of the window
    amount : (m,)
        N: counts of the spot, or its height.
    background : (m,)
    size : (m, sizes)
    tilt : (m, d)
    covariance : (m, p, p)
        Inverse Fisher information of all parameters: position, N, b, sizes, tilts.
    mean, shape : (m, k)
        Expected counts, and those of the spot alone.
    lever : (m, d, k)
        By how much a position moves per count of a pixel: what turns variances of pixels into variances of positions.
    leverage : (m, k)
        Share of each residual that the fit takes away.
    settled : (m,) bool
    """

    position: np.ndarray
    amount: np.ndarray
    background: np.ndarray
    size: np.ndarray
    tilt: np.ndarray
    covariance: np.ndarray
    mean: np.ndarray
    shape: np.ndarray
    lever: np.ndarray
    leverage: np.ndarray
    settled: np.ndarray


def fit(model: Model, windows: Windows, variance: Variance, position: np.ndarray, amount: np.ndarray, background: np.ndarray,
        size: np.ndarray) -> Found:
    """Fit all windows from starting values, block by block."""
    m, k = windows.seen.shape
    d = len(windows.axes)
    count = model.columns(d)[3]
    step = max(1, _BLOCK // (count * k))
    start = np.concatenate([position, amount[:, None], background[:, None], size, np.zeros((m, d))], 1)
    parts = [_fit(model, windows.rows(slice(i, i + step)), variance, start[i:i + step]) for i in range(0, max(m, 1), step)]
    whole = [np.concatenate([getattr(part, name) for part in parts]) for name in Found.__dataclass_fields__]
    return Found(*whole)


def information(model: Model, axes: Axes, variance: Variance, position: np.ndarray, amount: np.ndarray, background: np.ndarray,
                size: np.ndarray) -> np.ndarray:
    """Fisher information (m, p, p) of all parameters at given ones: the inverse is the Cramer-Rao bound."""
    m, k = len(position), int(np.prod([len(a) for a in axes]))
    windows = Windows(axes, np.zeros((m, k)), np.ones((m, k)), np.zeros((m, k)))
    whole = np.concatenate([position, amount[:, None], background[:, None], size, np.zeros_like(position)], 1)
    mean, derivative = _evaluate(model, windows, whole)[:2]
    return np.einsum("mpk,mk,mqk->mpq", derivative, 1.0 / variance.at(mean), derivative)


def _fit(model: Model, windows: Windows, variance: Variance, start: np.ndarray) -> Found:
    d = len(windows.axes)
    free = _free(model, d)
    state, damping = start.copy(), np.full(len(start), 1e-2)
    mean, derivative, _ = _evaluate(model, windows, state)
    merit = _merit(windows, variance, mean)
    settled = np.zeros(len(start), bool)
    for _ in range(_ROUNDS):
        active = np.flatnonzero(~settled)
        if not active.size:
            break
        part = windows.rows(active)
        weight = part.inside / variance.at(mean[active])
        score = np.einsum("mpk,mk->mp", derivative[active], weight * (part.seen - mean[active]))
        matrix = _symmetric(derivative[active], weight)
        move = _damped(matrix, score, damping[active])
        tried = state[active]
        tried[:, free] += move
        _keep_possible(model, windows, tried, state[active])
        new_mean, new_derivative, _ = _evaluate(model, part, tried)
        new_merit = _merit(part, variance, new_mean)
        better = new_merit >= merit[active] - 1e-9 * (1.0 + np.abs(merit[active]))
        took = active[better]
        # the step that is left, in standard deviations
        settled[active] = (better & (np.einsum("mp,mp->m", score, move) < _SETTLED**2 * len(free))) | (damping[active] > 1e8)
        state[took], mean[took], derivative[took] = tried[better], new_mean[better], new_derivative[better]
        merit[took] = new_merit[better]
        damping[active] *= np.where(better, 0.1, 10.0)
    return _found(model, windows, variance, state, settled & (damping < 1e8))


def _evaluate(model: Model, windows: Windows, state: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Expected counts (m, k), derivatives by the free parameters (m, p, k), the spot alone (m, k)."""
    d, q = len(windows.axes), model.profile.sizes
    position, amount, background = state[:, :d], state[:, d], state[:, d + 1]
    size, tilt = state[:, d + 2:d + 2 + q], state[:, d + 2 + q:]
    value, moved, grown = model.profile.evaluate(windows.axes, position, size)
    columns = [amount[:, None, None] * moved, value[:, None], np.ones_like(value)[:, None]]
    if not model.fixed_sizes:
        columns.append(amount[:, None, None] * grown)
    shape = amount[:, None] * value
    mean = shape + background[:, None] + windows.others
    if model.tilted:
        grid = np.stack(np.meshgrid(*windows.axes, indexing="ij")).reshape(d, -1)
        columns.append(np.broadcast_to(grid, (len(state), *grid.shape)))
        mean += tilt @ grid
    return mean, np.concatenate(columns, 1), shape


def _found(model: Model, windows: Windows, variance: Variance, state: np.ndarray, settled: np.ndarray) -> Found:
    d, q = len(windows.axes), model.profile.sizes
    mean, derivative, shape = _evaluate(model, windows, state)
    weight = windows.inside / variance.at(mean)
    matrix = _symmetric(derivative, weight)
    covariance, good = _inverse(matrix)
    moved = covariance @ derivative
    lever, leverage = moved[:, :d] * weight[:, None], (moved * derivative).sum(1) * weight
    return Found(state[:, :d], state[:, d], state[:, d + 1], state[:, d + 2:d + 2 + q], state[:, d + 2 + q:], covariance, mean,
                 shape, lever, leverage, settled & good)


def _merit(windows: Windows, variance: Variance, mean: np.ndarray) -> np.ndarray:
    return np.asarray((windows.inside * variance.merit(windows.seen, mean)).sum(1))


def _free(model: Model, d: int) -> np.ndarray:
    """Columns of the state that are fitted, in the order of the derivatives."""
    q = model.profile.sizes
    size = [] if model.fixed_sizes else list(range(d + 2, d + 2 + q))
    tilt = list(range(d + 2 + q, 2 * d + 2 + q)) if model.tilted else []
    return np.array([*range(d + 2), *size, *tilt])


def _symmetric(derivative: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """``sum w J J'``, (m, p, p)."""
    return np.asarray((derivative * weight[:, None]) @ np.swapaxes(derivative, 1, 2))


def _damped(matrix: np.ndarray, score: np.ndarray, damping: np.ndarray) -> np.ndarray:
    """Marquardt's step; the diagonal is scaled to one first, so that counts and voxels weigh alike."""
    scale = np.sqrt(np.maximum(np.einsum("mpp->mp", matrix), 1e-300))
    unit = matrix / (scale[:, :, None] * scale[:, None, :])
    unit += (damping[:, None] + 1e-12)[:, :, None] * np.eye(matrix.shape[1])
    return np.asarray(np.linalg.solve(unit, (score / scale)[..., None])[..., 0] / scale)


def _inverse(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Inverses, and where they exist."""
    scale = np.sqrt(np.abs(np.einsum("mpp->mp", matrix)))
    scale = np.where(scale > _NOTHING, scale, 1.0)
    both = scale[:, :, None] * scale[:, None, :]
    values, vectors = np.linalg.eigh(np.where(np.isfinite(matrix), matrix, 0.0) / both)
    good = values[:, 0] > 1e-10
    return (vectors / np.maximum(values, 1e-10)[:, None]) @ np.swapaxes(vectors, 1, 2) / both, good


def _keep_possible(model: Model, windows: Windows, tried: np.ndarray, before: np.ndarray) -> None:
    """At most half the window from its middle, sizes at most halved or doubled at a time."""
    d, q = len(windows.axes), model.profile.sizes
    half = np.array([len(k) / 2.0 for k in windows.axes])
    tried[:, :d] = np.clip(tried[:, :d], np.maximum(before[:, :d] - 1.0, -half), np.minimum(before[:, :d] + 1.0, half))
    sizes = slice(d + 2, d + 2 + q)
    tried[:, sizes] = np.clip(tried[:, sizes], before[:, sizes] / 2.0, before[:, sizes] * 2.0)
