"""Fit many datasets, or evaluate a formula on many targets, in blocks that stay in cache.

A user's 10^7 targets, or a study's 10^4 datasets of 100 targets, never need arrays of that size for intermediate results.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .linalg import components
from .models.base import Estimator, Fit, joined, mapped
from .pair_covariances import PairCovariances, Weight, flat_weight, weight_of_block

BLOCK = 16384

Formula = Callable[[Any, np.ndarray, np.ndarray, Any], np.ndarray]


def fit_blocks(estimator: Estimator, source: np.ndarray, target: np.ndarray, given: PairCovariances | None = None) -> Fit:
    """Fit a batch (..., n, d) block by block, under given covariances if there are any; the same arrays as one call."""
    batch, points = source.shape[:-2], source.shape[-2:]
    step = max(1, 2 * BLOCK // math.prod(points))
    x, y = source.reshape(-1, *points), target.reshape(-1, *points)
    flat = None if given is None else given.flat(batch)

    def bound(rows: slice) -> Estimator:
        return estimator if flat is None else estimator.given(flat.datasets(rows))

    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        parts = [bound(slice(i, i + step)).fit(x[i:i + step], y[i:i + step]) for i in range(0, max(len(x), 1), step)]
    whole = parts[0] if len(parts) == 1 else joined(parts)
    return mapped(whole, lambda a: a.reshape((*batch, *a.shape[1:])))


def evaluate(formula: Formula, fit: Fit, weight: Weight, x: np.ndarray, y: np.ndarray | None = None, *,
             dtype: Any = float) -> np.ndarray:
    """A formula at targets x and, if given, target points y.

    Parameters
    ----------
    formula : callable
        ``formula(fit, dx, dy, weight)`` for a block: a `Fit` of batch shape (1, b), components dx (d, 1, b, m) and dy
        (d, k, b, m) about the centroids; returns (..., k, b, m), any leading axes. Without y: batch (b,), dx and dy (d, b, m),
        returns (..., b, m).
    fit : Fit
        Batch shape (...).
    weight : Weight
        Of a new pair; covariances broadcast against (..., m).
    x : (m, d) or (..., m, d)
    y : broadcasts against (..., m, d); further leading axes allowed

    Returns
    -------
    (leading, extra, ..., m)
    """
    batch, m = fit.batch_shape, x.shape[-2]
    size = math.prod(batch)
    flat = mapped(fit, lambda a: a.reshape(size, *a.shape[len(batch):]))
    xs = x.reshape(-1, *x.shape[-2:]) if x.ndim > 2 else x[None]
    weight = flat_weight(weight, batch)
    if y is None:
        out = _blocks(formula, flat, weight, xs, None, (size, m), dtype)
        return out.reshape(*out.shape[:-2], *batch, m)
    shape = np.broadcast_shapes(y.shape[:-1], (*batch, m))
    extra = shape[:len(shape) - len(batch) - 1]
    ys = np.broadcast_to(y, (*shape, y.shape[-1])).reshape(math.prod(extra), size, m, y.shape[-1])
    out = _blocks(formula, flat, weight, xs, ys, (len(ys), size, m), dtype)
    return out.reshape(*out.shape[:-3], *extra, *batch, m)


def _blocks(formula: Formula, fit: Fit, weight: Weight, x: np.ndarray, y: np.ndarray | None, shape: tuple[int, ...],
            dtype: Any) -> np.ndarray:
    out: np.ndarray | None = None
    one_layout = len(x) == 1
    for rows, columns, layers in _slices(shape):
        part = mapped(fit, lambda a, rows=rows: a[rows])  # type: ignore[misc]
        dx = components(x[slice(None) if one_layout else rows, columns]) - part.x_mean.T[..., None]
        w = weight_of_block(weight, rows, columns, y is not None)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            if y is None:
                value = formula(part, dx, dx, w)
            else:
                dy = components(y[layers, rows, columns]) - part.y_mean.T[:, None, :, None]
                value = formula(mapped(part, lambda a: a[None]), dx[:, None], dy, w)
        if out is None:
            out = np.empty((*value.shape[:value.ndim - len(shape)], *shape), dtype)
        out[(..., rows, columns) if y is None else (..., layers, rows, columns)] = value
    assert out is not None
    return out


def _slices(shape: tuple[int, ...]) -> Iterator[tuple[slice, slice, slice]]:
    """Slices of datasets, targets and layers, each block of about BLOCK elements."""
    size, m = shape[-2:]
    k = shape[0] if len(shape) > 2 else 1
    columns = min(max(m, 1), BLOCK)
    layers = min(max(k, 1), BLOCK // columns)
    rows = max(1, BLOCK // (columns * layers))
    # at least one block, if an empty one: its shape says what the formula returns
    for b in range(0, max(size, 1), rows):
        for j in range(0, max(m, 1), columns):
            for i in range(0, max(k, 1), layers):
                yield slice(b, b + rows), slice(j, j + columns), slice(i, i + layers)
