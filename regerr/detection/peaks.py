"""Where spots may be: maxima of one wavelet plane that stand out of what scatters around them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import maximum_filter, zoom
from scipy.spatial import cKDTree
from scipy.special import ndtri

from .wavelets import fitting_plane, noise_factor, planes, response

_TILE = 64  # voxels of a tile in which the scatter of a plane is taken
_LEAST = 400  # voxels of a tile, at least
_NEAR = 1.5  # s.d. of a spot: two maxima closer than this are one spot
_QUARTER = 3.1383  # over the lower quartile of |w|: a third of a tile may be spots
_SIZES = np.geomspace(0.5, 16.0, 61)


@dataclass(frozen=True, eq=False)
class Peaks:
    """Maxima of one plane.

    Attributes
    ----------
    index : (m, d) int array
        In the order of the array's axes; the most significant first.
    significance : (m,)
        Height of each over the s.d. of its plane around it.
    plane : int
    threshold : float
    sd : float
        Of the spots in voxels, along the axes without lag: a first guess.
    """

    index: np.ndarray
    significance: np.ndarray
    plane: int
    threshold: float
    sd: float


def peaks(image: np.ndarray, lag: Sequence[int], candidates: Sequence[int], threshold: float | None = None,
          noise_sd: float | np.ndarray = 0.0) -> Peaks:
    """Significant maxima of the plane in which they stand out most.

    Parameters
    ----------
    image : (y, x) or (z, y, x) array
        Spots are bright.
    lag : sequence of int
        Of each axis, `wavelets.lags`.
    candidates : sequence of int
        Planes to choose from.
    threshold : float, optional
        In standard deviations of a plane; by default one that white noise passes once in ten images.
    noise_sd : float or array
        S.d. of a pixel where it is known; a plane's is at least what this makes of it.
    """
    limit = automatic_threshold(image.size) if threshold is None else threshold
    shown = planes(image, max(candidates), lag)
    scores = {j: _significance(shown[j - 1], noise_sd * noise_factor(j, tuple(lag))) for j in candidates}
    sd = _size(shown, scores, limit, tuple(lag))
    coarsest = fitting_plane(candidates, tuple(lag), sd)
    found = {j: _single(*_ranked(scores[j], limit), _NEAR * sd * 0.5 ** np.array(lag)) for j in candidates if j <= coarsest}
    # dense spots make what scatters around them, and drown in coarse planes
    chosen = max(found, key=lambda j: float(found[j][1].sum()))
    return Peaks(*found[chosen], chosen, limit, sd)


def automatic_threshold(pixels: int, false_spots: float = 0.1) -> float:
    """The height that so many maxima of white noise pass in an image of so many pixels, at most."""
    return float(-ndtri(false_spots / max(pixels, 1)))


def _ranked(score: np.ndarray, limit: float) -> tuple[np.ndarray, np.ndarray]:
    """Maxima above a limit and their heights, the highest first."""
    index = _maxima(score, limit)
    height = score[tuple(index.T)]
    order = np.argsort(-height, kind="stable")
    return index[order], height[order]


def _single(index: np.ndarray, height: np.ndarray, near: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Maxima but for those near a higher one: a broad spot has several."""
    if len(index) < 2:
        return index, height
    keep = np.ones(len(index), bool)
    neighbours: dict[int, list[int]] = {}
    for i, j in cKDTree(index / near).query_pairs(1.0):
        neighbours.setdefault(min(i, j), []).append(max(i, j))
    for i in sorted(neighbours):
        if keep[i]:
            keep[neighbours[i]] = False
    return index[keep], height[keep]


def _size(shown: Sequence[np.ndarray], scores: Mapping[int, np.ndarray], limit: float, lag: tuple[int, ...]) -> float:
    """S.d. of the spots along the axes without lag, from how high maxima stand in each plane.

    Each maximum counts by its significance, its heights in all planes as shares of the greatest: so neither noise nor one bright
    thing decides. The s.d. is that whose heights are most nearly proportional.
    """
    heights = np.zeros(len(shown))
    for score in scores.values():
        at = tuple(_maxima(score, limit).T)
        each = np.stack([plane[at] for plane in shown], 1)
        heights += (score[at][:, None] * each / np.maximum(each.max(1, keepdims=True), 1e-300)).sum(0)
    expected = np.array([[response(j, lag, [s * 0.5**late for late in lag]) for j in range(1, len(shown) + 1)] for s in _SIZES])
    likeness = expected @ heights / np.sqrt((expected**2).sum(1))
    return float(_SIZES[np.argmax(likeness)])


def _maxima(score: np.ndarray, limit: float) -> np.ndarray:
    """Voxels above a limit that none of their neighbours exceeds."""
    top = (score == maximum_filter(score, size=[min(3, n) for n in score.shape], mode="nearest")) & (score > limit)
    return np.argwhere(top)


def _significance(plane: np.ndarray, least: float | np.ndarray) -> np.ndarray:
    spread = np.maximum(local_spread(plane), least)
    return np.asarray(plane / np.maximum(spread, 1e-300))


def local_spread(plane: np.ndarray) -> np.ndarray:
    """Robust s.d. of a plane around each voxel, from tiles with a smooth passage between them; from the lower quartile of |w|."""
    tiles = tuple(max(round(n / _TILE), 1) if n > _TILE else 1 for n in plane.shape)
    while math.prod(tiles) > 1 and plane.size / math.prod(tiles) < _LEAST:
        tiles = tuple(max(t // 2, 1) for t in tiles)
    edges = [np.linspace(0, n, t + 1).astype(int) for n, t in zip(plane.shape, tiles, strict=True)]
    table = np.empty(tiles)
    for tile in np.ndindex(*tiles):
        cut = tuple(slice(e[i], e[i + 1]) for i, e in zip(tile, edges, strict=True))
        table[tile] = _QUARTER * np.percentile(np.abs(plane[cut]), 25)
    if table.size == 1:
        return np.full(plane.shape, table.item())
    factors = [n / t for n, t in zip(plane.shape, tiles, strict=True)]
    return np.asarray(zoom(table, factors, order=1, mode="nearest", grid_mode=True))
