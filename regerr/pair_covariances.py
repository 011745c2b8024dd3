"""Covariances with which single points were localised, in both spaces: of fiducials, or of a new pair."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import InputError
from .noise import checked_covariance


@dataclass(frozen=True, eq=False)
class PairCovariances:
    """One covariance per point and space.

    Attributes
    ----------
    source, target : (..., n, d, d)
        Each in the squared units of its space; zero where a space is free of noise. Axes before the matrices may be 1 where
        all points, or all datasets, have the same.
    """

    source: np.ndarray
    target: np.ndarray

    @classmethod
    def of(cls, source: Any, target: Any, dimension: int) -> PairCovariances | None:
        """From variances, matrices (d, d) or (..., n, d, d), or None for a space without noise; None when both are."""
        if source is None and target is None:
            return None
        return cls(_matrices("source_covariance", source, dimension), _matrices("target_covariance", target, dimension))

    def checked_for(self, shape: tuple[int, ...]) -> PairCovariances:
        """The same, or an InputError where they do not belong to points of that shape (..., n, d)."""
        for name, c in (("source_covariance", self.source), ("target_covariance", self.target)):
            try:
                fits = np.broadcast_shapes(c.shape[:-2], shape[:-1]) == tuple(shape[:-1])
            except ValueError:
                fits = False
            if not fits:
                raise InputError(f"{name} has shape {c.shape} for points of shape {shape}: give one matrix, or one for each "
                                 "point")
        return self

    def without_each(self, part: slice) -> PairCovariances:
        """Those of the others when each point of a part is left out in turn: (..., k, n - 1, d, d)."""
        def others(c: np.ndarray) -> np.ndarray:
            n = c.shape[-3]
            if n == 1:
                return c[..., None, :, :, :]
            rest, gone = np.arange(n - 1), np.arange(n)[part, None]
            return np.asarray(c[..., rest + (rest >= gone), :, :])

        return self.mapped(others)

    def alone(self, part: slice) -> PairCovariances:
        """Those of each point of a part by itself: (..., k, 1, d, d)."""
        return self.mapped(lambda c: c[..., None, :, :, :] if c.shape[-3] == 1 else c[..., part, None, :, :])

    def seen(self, matrix: np.ndarray) -> np.ndarray:
        """``A Omega A'``, the noise of the source as maps with the linear part A (..., d, d) carry it to the target."""
        a = matrix[..., None, :, :]
        return np.asarray(a @ self.source @ np.swapaxes(a, -1, -2))

    def effective(self, matrix: np.ndarray) -> np.ndarray:
        """``Lambda + A Omega A'``, the noise of a pair seen in the target, (..., n or 1, d, d)."""
        return self.target + self.seen(matrix)

    def average(self) -> PairCovariances:
        """The mean over the points, (..., 1, d, d)."""
        return self.mapped(lambda c: c.mean(-3, keepdims=True))

    def mapped(self, function: Callable[[np.ndarray], np.ndarray]) -> PairCovariances:
        """The same with a function applied to both arrays."""
        return PairCovariances(function(self.source), function(self.target))

    def datasets(self, rows: slice) -> PairCovariances:
        """Those of some datasets of a flat batch (b, n, d, d)."""
        return self.mapped(lambda c: c[rows] if c.ndim > 3 and len(c) > 1 else c)

    def flat(self, batch: tuple[int, ...]) -> PairCovariances:
        """The batch axes as one, of length 1 where all datasets have the same: (b or 1, n, d, d)."""
        return self.mapped(lambda c: _flat(c, batch))

    def block(self, rows: slice, columns: slice, layers: bool = False) -> PairCovariances:
        """Those of a block of datasets and targets, of flat ones (b, m, d, d), as component matrices (d, d, [1,] b, m)."""
        def part(c: np.ndarray) -> np.ndarray:
            c = c[rows] if len(c) > 1 else c
            c = c[:, columns] if c.shape[1] > 1 else c
            c = np.ascontiguousarray(np.moveaxis(c, (-2, -1), (0, 1)))
            return c[:, :, None] if layers else c

        return self.mapped(part)

    def each(self, dataset: np.ndarray, target: np.ndarray) -> PairCovariances:
        """Those of single targets of single datasets, of flat ones (b, m, d, d): (N, 1, d, d)."""
        return self.mapped(lambda c: c[dataset if len(c) > 1 else np.zeros_like(dataset),
                                       target if c.shape[1] > 1 else np.zeros_like(target)][:, None])


Weight = float | PairCovariances
"""What the new pair of a question about a point is noisy with: a weight (theory, section 5), or covariances."""


def weight_of_block(weight: Weight, rows: slice, columns: slice, layers: bool) -> Weight:
    """The weight of a block of datasets and targets, with an axis for layers of points or without."""
    return weight if isinstance(weight, float) else weight.block(rows, columns, layers)


def flat_weight(weight: Weight, batch: tuple[int, ...]) -> Weight:
    """The weight for a flat batch."""
    return weight if isinstance(weight, float) else weight.flat(batch)


def _matrices(name: str, covariance: Any, dimension: int) -> np.ndarray:
    if covariance is None:
        return np.zeros((1, dimension, dimension))
    c = checked_covariance(name, covariance)
    if c.ndim == 0:
        c = c * np.eye(dimension)
    if c.shape[-1] != dimension:
        raise InputError(f"{name} has shape {c.shape} for points in {dimension}D: give ({dimension}, {dimension}) or "
                         f"(..., n, {dimension}, {dimension})")
    return c if c.ndim > 2 else c[None]


def _flat(c: np.ndarray, batch: tuple[int, ...]) -> np.ndarray:
    own = c.shape[:-3]
    if all(size == 1 for size in own):
        return c.reshape(1, *c.shape[-3:])
    full = np.broadcast_to(c, (*batch, *c.shape[-3:]))
    return full.reshape(-1, *c.shape[-3:])
