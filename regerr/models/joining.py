"""What a search for a fit with a new pair starts from: many refits in a row, each of its own dataset, in components."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..linalg import components, matrix_components
from ..pair_covariances import PairCovariances

_POINTS = 1 << 16  # points that are refitted at a time


@dataclass(frozen=True, eq=False)
class Start:
    """Fitted datasets in a row.

    Attributes
    ----------
    n : int
        Pairs of each.
    x, y : (d, b, n)
        Points about the centroids.
    given : PairCovariances
        Of the pairs, (d, d, b, n or 1).
    matrix : (d, d, b)
        The fitted linear parts.
    """

    n: int
    x: np.ndarray
    y: np.ndarray
    given: PairCovariances
    matrix: np.ndarray

    @classmethod
    def of(cls, n: int, x: np.ndarray, y: np.ndarray, given: PairCovariances, matrix: np.ndarray) -> Start:
        """From centred rows (..., b, n, d), covariances and matrices of the same batch, whose leading axes are 1."""
        b, d = matrix.shape[-3], matrix.shape[-1]
        covariances = given.mapped(lambda c: matrix_components(c.reshape(b, *c.shape[-3:])))
        linear = np.where(np.isfinite(matrix), matrix, np.nan).reshape(b, d, d)
        return cls(n, components(x.reshape(b, n, d)), components(y.reshape(b, n, d)), covariances,
                   np.ascontiguousarray(matrix_components(linear)))

    def take(self, rows: np.ndarray) -> Start:
        """Some of them, or the same ones many times."""
        return Start(self.n, self.x[:, rows], self.y[:, rows],
                     self.given.mapped(lambda c: c if c.shape[2] == 1 else c[:, :, rows]), self.matrix[:, :, rows])


def portions(size: int, points: int) -> list[slice]:
    """Slices of so many refits that each has a bounded number of points in all; at least one."""
    step = max(1, _POINTS // points)
    return [slice(i, i + step) for i in range(0, max(size, 1), step)]


def spread_out(c: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Covariances (d, d, 1, b or 1, m or 1) of new pairs, one for each of the flat refits, or one for all: (d, d, N or 1)."""
    if c.shape[3:] == (1, 1):
        return c[..., 0, 0]
    return np.broadcast_to(c, (*c.shape[:2], *shape)).reshape(*c.shape[:2], -1)


def part_of(new: PairCovariances, part: slice) -> PairCovariances:
    """Those of some refits, of (d, d, N or 1)."""
    return new.mapped(lambda c: c[:, :, part] if c.shape[2] > 1 else c)


def appended(old: np.ndarray, new: np.ndarray, n: int) -> np.ndarray:
    """Covariances (d, d, b or 1, n or 1) with one more pair's (d, d, b or 1); one for all where it stays one."""
    if old.shape[-1] == 1 and (old.shape[2] == new.shape[2] or new.shape[2] == 1) and np.array_equal(
            np.broadcast_to(new[..., None], old.shape) if new.shape[2] == 1 else new[..., None], old):
        return old
    b = max(old.shape[2], new.shape[2])
    d = len(old)
    return np.concatenate([np.broadcast_to(old, (d, d, b, n)), np.broadcast_to(new[..., None], (d, d, b, 1))], -1)
