"""The shapes of spots: a Gaussian seen through pixels, and a disc or ball with a soft edge.

A profile gives the share of a spot's counts (or its height) in each pixel of a window and the derivatives by position and size,
for all spots at once. Axes are those of the array; positions are in voxels from the middle of the window.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import ndtr

Axes = tuple[np.ndarray, ...]  # voxels along each axis of a window, from its middle
_NORMAL = 1.0 / math.sqrt(2.0 * math.pi)


class Profile(Protocol):
    """One family of shapes."""

    @property
    def name(self) -> str:
        """A word for messages."""

    @property
    def sizes(self) -> int:
        """Number of shape parameters."""

    def start(self, sd: np.ndarray) -> np.ndarray:
        """Shape parameters (sizes,) of spots as wide as a Gaussian of that s.d. (axes,), in voxels."""

    def evaluate(self, axes: Axes, position: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Values (m, k), derivatives by position (m, d, k) and by size (m, sizes, k), for positions (m, d), sizes (m, sizes)."""

    def volume(self, size: np.ndarray) -> np.ndarray:
        """Sum of the values over all pixels, (m,)."""

    def widths(self, size: np.ndarray) -> np.ndarray:
        """The size of a spot along each axis in voxels: (m, d)."""

    def about_truth(self, size: np.ndarray, variance: np.ndarray) -> np.ndarray:
        """Sizes about the true place from those about the fitted one, whose variance is (m, d) in voxels squared.

        A fit settles where the noise makes the spot look most compact.
        """


@dataclass(frozen=True)
class Gaussian:
    """A Gaussian integrated over pixels; its values are shares of one.

    Parameters
    ----------
    step : tuple of float
        Size of a voxel along each axis of the array, in the unit of the s.d.
    groups : tuple of int
        Which s.d. each axis has: (0, 0) for a round spot, (1, 0, 0) for one that is longer along z.
    """

    step: tuple[float, ...]
    groups: tuple[int, ...]
    name: str = "gaussian"

    @property
    def sizes(self) -> int:
        return max(self.groups) + 1

    def start(self, sd: np.ndarray) -> np.ndarray:
        lengths = sd * np.array(self.step)
        return np.array([lengths[np.equal(self.groups, g)].mean() for g in range(self.sizes)])

    def evaluate(self, axes: Axes, position: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        parts = [_share(k, position[:, a], s) for a, (k, s) in enumerate(zip(axes, self.widths(size).T, strict=True))]
        whole = _outer([share for share, _, _ in parts])
        moved = [_outer([p[1] if a == b else p[0] for b, p in enumerate(parts)]) for a in range(len(axes))]
        grown = np.zeros((len(position), self.sizes, whole.shape[1]))
        for a, (group, step) in enumerate(zip(self.groups, self.step, strict=True)):
            grown[:, group] += _outer([p[2] if a == b else p[0] for b, p in enumerate(parts)]) / step
        return whole, np.stack(moved, 1), grown

    def volume(self, size: np.ndarray) -> np.ndarray:
        return np.ones(len(size))

    def widths(self, size: np.ndarray) -> np.ndarray:
        return size[:, list(self.groups)] / np.array(self.step)

    def about_truth(self, size: np.ndarray, variance: np.ndarray) -> np.ndarray:
        lengths = variance * np.array(self.step) ** 2
        missing = np.stack([lengths[:, np.equal(self.groups, g)].mean(1) for g in range(self.sizes)], 1)
        return np.asarray(np.sqrt(size**2 + missing))


@dataclass(frozen=True)
class Disc:
    """A disc (2D) or ball (3D) of height 1 with a Gaussian edge: ``Phi((R - r)/w)``; sizes are R and w.

    Parameters
    ----------
    step : tuple of float
        Size of a voxel along each axis of the array, in the unit of R and w.
    """

    step: tuple[float, ...]
    name: str = "disc"

    @property
    def sizes(self) -> int:
        return 2

    def start(self, sd: np.ndarray) -> np.ndarray:
        radius = math.sqrt(len(self.step) + 2.0) * float((sd * np.array(self.step)).mean())
        return np.array([radius, 0.5 * min(self.step)])

    def evaluate(self, axes: Axes, position: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        away = np.stack([_spread(axes, a)[None] - position[:, a, None] for a in range(len(axes))], 1)
        away *= np.array(self.step)[:, None]
        radius = np.sqrt((away**2).sum(1) + 1e-12)
        edge = (size[:, :1] - radius) / size[:, 1:]
        slope = _NORMAL * np.exp(-0.5 * edge**2) / size[:, 1:]
        moved = slope[:, None] * away / radius[:, None] * np.array(self.step)[:, None]
        return ndtr(edge), moved, np.stack([slope, -slope * edge], 1)

    def volume(self, size: np.ndarray) -> np.ndarray:
        r, w = size.T / math.prod(self.step) ** (1.0 / len(self.step))
        return np.pi * (r**2 + w**2) if len(self.step) == 2 else 4.0 / 3.0 * np.pi * (r**3 + 3.0 * r * w**2)

    def widths(self, size: np.ndarray) -> np.ndarray:
        return size[:, :1] / math.sqrt(len(self.step) + 2.0) / np.array(self.step)

    def about_truth(self, size: np.ndarray, variance: np.ndarray) -> np.ndarray:
        return size


def _share(k: np.ndarray, position: np.ndarray, sd: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Share of each pixel along one axis (m, k), and its derivatives by position and s.d."""
    low, high = ((k + side - position[:, None]) / sd[:, None] for side in (-0.5, 0.5))
    at_low, at_high = (_NORMAL * np.exp(-0.5 * e**2) for e in (low, high))
    # the smaller tail of the two keeps its digits
    share = np.where(low > 0, ndtr(-low) - ndtr(-high), ndtr(high) - ndtr(low))
    return share, (at_low - at_high) / sd[:, None], (low * at_low - high * at_high) / sd[:, None]


def _outer(parts: list[np.ndarray]) -> np.ndarray:
    """Products of one factor per axis, (m, k_0), (m, k_1), ... to (m, k_0 k_1 ...)."""
    out = parts[0]
    for part in parts[1:]:
        out = (out[:, :, None] * part[:, None, :]).reshape(len(out), out.shape[1] * part.shape[1])
    return out


def _spread(axes: Axes, a: int) -> np.ndarray:
    """Coordinates of one axis for all pixels of a window."""
    shape = tuple(len(k) for k in axes)
    along = axes[a].reshape([-1 if i == a else 1 for i in range(len(axes))])
    return np.broadcast_to(along, shape).ravel()
