"""Poor layouts on purpose: of many random layouts, the one at a stated place in the order of poorness.

Fiducials that nearly lie on a line (2D) or in a plane (3D) are where approximate regions fail first. Poorness is measured by
``s_min``, the smallest r.m.s. spread over the principal axes (theory, section 10).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from regerr.errors import InputError

from ._checks import check_count, check_positive
from .protocols import Layout

_BLOCK = 2**21  # coordinates drawn at a time


@dataclass(frozen=True)
class Poorest:
    """The layout that is poorer than ``percent`` % of its kind.

    Parameters
    ----------
    base : Layout
        The law that candidates are drawn from.
    percent : float
        50 gives the median layout, 99 one that only 1 % are poorer than, 100 the poorest of all candidates.
    candidates : int
        How many layouts are drawn for each one that is given.
    """

    base: Layout
    percent: float
    candidates: int = 2000

    def __post_init__(self) -> None:
        check_count("candidates", self.candidates)
        if check_positive("percent", self.percent) > 100:
            raise InputError(f"percent is {self.percent:g}: give a number above 0 and at most 100")

    @property
    def n(self) -> int:
        """Number of points."""
        return self.base.n

    @property
    def dimension(self) -> int:
        """2 or 3."""
        return self.base.dimension

    def sample(self, rng: np.random.Generator, batch: tuple[int, ...] = ()) -> np.ndarray:
        """Points (*batch, n, d); candidates are drawn in blocks of bounded memory."""
        out = np.empty((math.prod(batch), self.n, self.dimension))
        step = max(1, _BLOCK // (self.candidates * self.n * self.dimension))
        for start in range(0, len(out), step):
            block = out[start:start + step]
            block[...] = self._choose(self.base.sample(rng, (len(block), self.candidates)))
        return out.reshape(*batch, self.n, self.dimension)

    def _choose(self, layouts: np.ndarray) -> np.ndarray:
        """Of candidates (b, candidates, n, d) one each, (b, n, d)."""
        place = self.candidates - math.ceil(self.percent / 100 * self.candidates)
        index = np.argpartition(smallest_spread(layouts), place, axis=-1)[:, place]
        return layouts[np.arange(len(layouts)), index]


def smallest_spread(points: np.ndarray) -> np.ndarray:
    """``s_min``, the smallest r.m.s. distance to the centroid along a principal axis: (..., n, d) -> (...)."""
    centred = points - points.mean(-2, keepdims=True)
    scatter = np.swapaxes(centred, -1, -2) @ centred / points.shape[-2]
    return np.sqrt(np.maximum(np.linalg.eigvalsh(scatter)[..., 0], 0.0))
