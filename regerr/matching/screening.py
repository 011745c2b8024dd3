"""Many maps looked over at once: how many points land near a partner, read from a table of distances.

A cell of the table holds the smallest of a few radii within which its middle has a partner, so a map costs one look-up per point.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .chance import log_tail
from .families import Maps
from .windows import Window

RADII = np.array([0.03, 0.06, 0.12, 0.25])  # over the spacing of the target
_CELLS = {2: 256, 3: 48}  # per axis
_BLOCK = 8192  # maps whose images are held at a time
_LOOKED_AT = 128  # points of the source that are tried
_EMPTY, _OUTSIDE = len(RADII), len(RADII) + 1


@dataclass(frozen=True, eq=False)
class Screen:
    """The table of one target, and the source points that are tried on it.

    Attributes
    ----------
    source : (m, d) array of float32
    low, step : (d,)
        Place and size of the cells.
    table : (cells,) array of uint8
        Number of the smallest radius that holds a partner, or none, or outside.
    tails : (radii, m + 1, m + 1)
        ``log10`` of chance for points inside and points that meet.
    """

    source: np.ndarray
    low: np.ndarray
    step: np.ndarray
    cells: int
    table: np.ndarray
    tails: np.ndarray

    @classmethod
    def of(cls, source: np.ndarray, target: Window, minimal: int, rng: np.random.Generator) -> Screen:
        """For maps that are determined by ``minimal`` pairs."""
        d = source.shape[-1]
        cells, reach = _CELLS[d], RADII[-1] * target.spacing
        low, high = target.points.min(0) - reach, target.points.max(0) + reach
        step = np.maximum(high - low, 1e-12) / cells
        axes = [low[i] + step[i] * (np.arange(cells) + 0.5) for i in range(d)]
        middles = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, d)
        distance = target.tree.query(middles, distance_upper_bound=reach)[0]
        table = np.searchsorted(RADII * target.spacing, distance).astype(np.uint8)
        tried = source if len(source) <= _LOOKED_AT else source[np.sort(rng.permutation(len(source))[:_LOOKED_AT])]
        return cls(tried.astype(np.float32), low, step, cells, np.append(table, np.uint8(_OUTSIDE)),
                   _tails(len(tried), target, minimal))

    def scores(self, maps: Maps) -> np.ndarray:
        """``log10`` of how likely as many meet by chance, for each map (h,); the smaller, the better."""
        return np.concatenate([self._block(maps[i: i + _BLOCK]) for i in range(0, len(maps.matrix), _BLOCK)] or [np.zeros(0)])

    def _block(self, maps: Maps) -> np.ndarray:
        scaled = (maps.matrix / self.step[:, None]).astype(np.float32)
        offset = ((maps.offset - self.low) / self.step).astype(np.float32)
        cell, inside = np.zeros((len(scaled), len(self.source)), np.int32), True
        for axis in range(len(self.step)):
            place = scaled[:, axis] @ self.source.T + offset[:, axis, None]
            inside = inside & (place >= 0) & (place < self.cells)
            with np.errstate(invalid="ignore"):  # far outside: not looked up
                cell = cell * np.int32(self.cells) + place.astype(np.int32)
        classes = self.table[np.where(inside, cell, len(self.table) - 1)]
        among = (classes != _OUTSIDE).sum(-1)
        return np.min([self.tails[i, among, (classes <= i).sum(-1)] for i in range(len(RADII))], axis=0)


def _tails(m: int, target: Window, minimal: int) -> np.ndarray:
    inside, meeting = np.maximum(np.arange(m + 1) - minimal, 0)[:, None], np.maximum(np.arange(m + 1) - minimal, 0)
    p = target.n * target.share(RADII * target.spacing)
    return log_tail(inside, np.minimum(meeting, inside), p[:, None, None])
