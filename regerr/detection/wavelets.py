"""The undecimated wavelet transform "a trous" with the cubic B-spline, in any dimension (Starck & Murtagh 2002).

Plane j is the difference of two smoothings, ``w_j = c_(j-1) - c_j``, the j-th by the kernel (1, 4, 6, 4, 1)/16 with 2^(j-1) - 1
holes between its taps. Spots of one size stand out in one plane (Olivo-Marin 2002). An axis whose voxels are larger, seen by the
spots, starts to be smoothed at a later plane: its ``lag``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache, lru_cache

import numpy as np
from scipy.ndimage import convolve1d
from scipy.special import erf

B3 = np.array([1.0, 4.0, 6.0, 4.0, 1.0]) / 16.0
MOST = 6  # planes
_NEARLY = 0.7


def lags(sizes: Sequence[float]) -> tuple[int, ...]:
    """Number of planes by which each axis starts later, from the size of a spot in voxels along each axis, or from 1/voxel size.

    An axis along which a spot is half as many voxels wide starts one plane later.
    """
    most = max(sizes)
    return tuple(min(max(round(math.log2(most / size)), 0), MOST) for size in sizes)


def planes(image: np.ndarray, count: int, lag: Sequence[int]) -> list[np.ndarray]:
    """Planes w_1 to w_count of an image, each of its shape; what lies beyond its edge is mirrored."""
    smooth, found = np.asarray(image, float), []
    for j in range(1, count + 1):
        smoother = smooth
        for axis, late in enumerate(lag):
            if (kernel := _taps(j - late)) is not None:
                smoother = convolve1d(smoother, kernel, axis, mode="mirror")
        found.append(smooth - smoother)
        smooth = smoother
    return found


def useful_planes(shape: Sequence[int], lag: Sequence[int], most: int = 5) -> int:
    """How many planes fit: the longest kernel is no longer than the image along each axis, those of one voxel apart."""
    fits = [next((j for j in range(most, 0, -1) if 2 ** (j - late + 1) < n), 1)
            for n, late in zip(shape, lag, strict=True) if n > 1]
    return min(fits)


@cache
def noise_factor(j: int, lag: tuple[int, ...]) -> float:
    """S.d. of plane j of white noise of s.d. 1: the norm of the wavelet."""
    fine, coarse = ([_kernel(level - late) for late in lag] for level in (j - 1, j))
    squares = math.prod(float(k @ k) for k in fine) + math.prod(float(k @ k) for k in coarse)
    cross = math.prod(float(_centred(a, len(b)) @ b) for a, b in zip(fine, coarse, strict=True))
    return math.sqrt(max(squares - 2.0 * cross, 0.0))


def response(j: int, lag: tuple[int, ...], sd: Sequence[float]) -> float:
    """Plane j at the centre of a Gaussian spot of unit volume, its s.d. in voxels along each axis."""
    fine, coarse = (math.prod(_seen(level - late, s) for late, s in zip(lag, sd, strict=True)) for level in (j - 1, j))
    return fine - coarse


def fitting_plane(candidates: Sequence[int], lag: tuple[int, ...], sd: float) -> int:
    """The finest plane in which a Gaussian spot stands out of white noise nearly as much as anywhere (0.7 times).

    Its s.d. is in voxels of the axes without lag; along the others it is that much smaller.
    """
    along = [sd * 0.5**late for late in lag]
    power = {j: response(j, lag, along) / noise_factor(j, lag) for j in candidates}
    return min(j for j, value in power.items() if value >= _NEARLY * max(power.values()))


def _taps(j: int) -> np.ndarray | None:
    """The kernel of one step with its holes; None before the first."""
    if j < 1:
        return None
    kernel = np.zeros(4 * 2 ** (j - 1) + 1)
    kernel[:: 2 ** (j - 1)] = B3
    return kernel


@cache
def _kernel(level: int) -> np.ndarray:
    """All smoothing up to a level along one axis."""
    whole = np.ones(1)
    for j in range(1, level + 1):
        taps = _taps(j)
        assert taps is not None
        whole = np.convolve(whole, taps)
    return whole


def _centred(kernel: np.ndarray, size: int) -> np.ndarray:
    return np.pad(kernel, (size - len(kernel)) // 2)


@lru_cache(4096)
def _seen(level: int, sd: float) -> float:
    """Gaussian of unit area, pixel integrated and smoothed up to a level, at its centre."""
    kernel = _kernel(level)
    edges = erf((np.arange(len(kernel) + 1) - len(kernel) / 2.0) / (math.sqrt(2.0) * sd))
    return float(0.5 * np.diff(edges) @ kernel)
