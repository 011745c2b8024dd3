"""What the background alone moves a spot by: structure that is no noise of counts, seen where there are no spots.

The lever of a spot (by how much its place moves per count of each pixel) is laid over windows without spots. If the background is
flat but for noise, what comes out scatters as the variance of counts says; what it scatters more is the part of the specimen. A
dark spot lets through only a share of what lies behind it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.spatial import cKDTree

from .camera import Variance
from .likelihood import Found
from .windows import cut

_MOST, _LEAST = 400, 30  # windows without spots
_SIGNIFICANT = 3.0  # standard errors


def structure_covariance(image: np.ndarray, centre: np.ndarray, half: Sequence[int], found: Found,
                         variance: Variance) -> np.ndarray:
    """Covariance of places by structure of the background, (m, d, d) in voxels; 0 where noise explains all, or no room is free.

    Parameters
    ----------
    image : array
    centre : (m, d) int array
        Of the windows of the spots.
    half : sequence of int
        From the middle of a window to its edge.
    found : Found
    variance : Variance
        Of counts.
    """
    m, d = found.position.shape
    free = _free(image.shape, centre, half)
    if len(free) < _LEAST or not m:
        return np.zeros((m, d, d))
    seen = cut(image, free, half).seen
    level = seen.mean(1, keepdims=True)
    lever = found.lever * _passed(found)[:, None]
    moves = lever @ (seen - level).T  # (m, d, windows)
    spread = (moves @ np.swapaxes(moves, 1, 2)) / len(free)
    noise = lever @ np.swapaxes(lever, 1, 2) * float(variance.at(level).mean())
    good = found.settled
    excess = float(np.einsum("mii->", spread[good]) / max(np.einsum("mii->", noise[good]), 1e-300)) - 1.0
    if not excess > _SIGNIFICANT * math.sqrt(2.0 / (d * len(free))):
        return np.zeros((m, d, d))
    values, vectors = np.linalg.eigh(np.where(np.isfinite(spread - noise), spread - noise, 0.0))
    return np.asarray((vectors * np.maximum(values, 0.0)[:, None]) @ np.swapaxes(vectors, 1, 2))


def _passed(found: Found) -> np.ndarray:
    """The share of the background that shows through a spot, (m, k): 1 where it is bright."""
    height = found.shape / np.maximum(np.abs(found.mean - found.shape), 1e-300)
    return np.clip(1.0 + height, 0.0, 1.0)


def _free(shape: Sequence[int], centre: np.ndarray, half: Sequence[int]) -> np.ndarray:
    """Middles of windows, (k, d), that lie in the image side by side and share no voxel with those of spots."""
    rows = [np.arange(h, n - h, 2 * h + 1) for h, n in zip(half, shape, strict=True)]
    grid = np.stack(np.meshgrid(*rows, indexing="ij"), -1).reshape(-1, len(half))
    scaled = 2.0 * np.array(half) + 1.0
    if len(centre) and len(grid):
        near = cKDTree(centre / scaled).query(grid / scaled, p=np.inf)[0]
        grid = grid[near >= 1.0]
    return grid[:: max(1, math.ceil(len(grid) / _MOST))]
