"""Residual sums of squares of nested models in one metric, for tests of deformation (theory, section 7).

Nested models can only be compared in one metric. With noise in both spaces the metric depends on the ratio of the two noises
in the files' own units, ``lambda = rho / s^2``, and so on a scale s: the *null* model sets it (1 for a rigid null, the fitted
scale for a similarity). In that metric, seen in the target, ``|r|^2`` of a map of scale t counts ``1/((1-k) + k (t/s)^2)``
times, k the source's share of the noise, and

    RSS(rigid) >= RSS(similarity) >= RSS(affine)

always holds. The fitted similarity is the minimum of its own metric, so the three comparisons agree. Exchanging the images
divides all three by one factor, which no ratio of them notices.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .errors import InputError
from .linalg import proper_rotation
from .models import Model
from .models.regression import least_squares
from .models.scale import noisy_scale
from .noise import Noise
from .scatter import Frame, Scatter

Criterion = Callable[[Scatter, np.ndarray, float], np.ndarray]


@dataclass(frozen=True)
class Rung:
    """One model of the ladder rigid < similarity < affine.

    Attributes
    ----------
    name : str
        The name on the model's card.
    scale : callable
        ``scale(scatter, share)``: the scale (...) of its fit, which sets the metric when this model is the null.
    rss : callable
        ``rss(scatter, scale, share)``: its minimised residual sum of squares (...) in the metric of a null of that scale,
        target units squared.
    """

    name: str
    scale: Callable[[Scatter, float], np.ndarray]
    rss: Criterion


def rung(name: str) -> int | None:
    """The place of a model on the ladder; None when it has none."""
    return next((i for i, step in enumerate(LADDER) if step.name == name), None)


def _unit_scale(scatter: Scatter, share: float) -> np.ndarray:
    return np.ones(scatter.x_mean.shape[:-1])


def _fitted_scale(scatter: Scatter, share: float) -> np.ndarray:
    _, nu = proper_rotation(scatter.sxy)
    return noisy_scale(scatter.y_length2, scatter.x_length2, nu, share)


def _rigid(scatter: Scatter, scale: np.ndarray, share: float) -> np.ndarray:
    rotation, _ = proper_rotation(scatter.sxy)
    return Frame.of(scatter, rotation).rss / _stretched(1.0 / scale, share)


def _similarity(scatter: Scatter, scale: np.ndarray, share: float) -> np.ndarray:
    """The least ``RSS(t) / ((1-k) + k (t/s)^2)`` over the scale t: theory section 4, "lambda given"."""
    rotation, nu = proper_rotation(scatter.sxy)
    a, b = scatter.y_length2 * share / scale**2, scatter.x_length2 * (1.0 - share)
    cross = nu * share / scale**2
    root = np.sqrt((b - a) ** 2 + 4.0 * (1.0 - share) * nu * cross)
    with np.errstate(divide="ignore", invalid="ignore"):
        fitted = np.where(b > a, 2.0 * (1.0 - share) * nu / (b - a + root), (a - b + root) / (2.0 * cross))
    return Frame.of(scatter, fitted[..., None, None] * rotation).rss / _stretched(fitted / scale, share)


def _affine(scatter: Scatter, scale: np.ndarray, share: float) -> np.ndarray:
    """Regression for noise in one space; else the d smallest squared singular values of ``[s x/sqrt(k), y/sqrt(1-k)]``."""
    if share == 0.0:
        return _regression(scatter)
    if share == 1.0:
        return scale**2 * _regression(scatter.swap())
    d = scatter.dimension
    z = np.concatenate([scatter.dx * (scale / np.sqrt(share))[..., None, None], scatter.dy / np.sqrt(1.0 - share)], -1)
    values = np.zeros((*scatter.x_mean.shape[:-1], 2 * d))
    found = np.linalg.svd(_compressed(z), compute_uv=False)
    values[..., :found.shape[-1]] = found
    return (values[..., d:] ** 2).sum(-1)


def _stretched(ratio: np.ndarray, share: float) -> np.ndarray:
    """Effective noise variance of a map whose scale is that many times the null's, over the null's."""
    return (1.0 - share) + share * ratio**2


def _compressed(z: np.ndarray) -> np.ndarray:
    """The triangular factor of tall matrices: the same singular values."""
    return np.asarray(np.linalg.qr(z, mode="r")) if z.shape[-2] > 2 * z.shape[-1] else z


def _regression(scatter: Scatter) -> np.ndarray:
    return Frame.of(scatter, least_squares(scatter)[0]).rss


LADDER = (Rung("rigid", _unit_scale, _rigid), Rung("similarity", _fitted_scale, _similarity),
          Rung("affine", _fitted_scale, _affine))


@dataclass(frozen=True, eq=False)
class Sums:
    """Both models' least sums of squares in the metric of the null, each (...) in target units squared.

    Attributes
    ----------
    rss_0, rss_1 : (...)
        Of the simpler and of the wider model.
    scale : (...)
        Of the simpler model's fit.
    rounding : (...)
        Sums below this are rounding.
    q, v : int
        Parameters that the wider model has more, and its residual degrees of freedom.
    """

    rss_0: np.ndarray
    rss_1: np.ndarray
    scale: np.ndarray
    rounding: np.ndarray
    q: int
    v: int

    @classmethod
    def of(cls, source: np.ndarray, target: np.ndarray, simpler: Model, wider: Model, noise: Noise) -> Sums:
        """From points (..., n, d) and two models of the ladder."""
        n, d = source.shape[-2:]
        first, second = steps(simpler, wider)
        scatter, share = Scatter.of(source, target), noise.source_share
        scale = LADDER[first].scale(scatter, share)
        rss_0, rss_1 = (LADDER[i].rss(scatter, scale, share) for i in (first, second))
        rounding = np.maximum(scatter.smallest_resolved(), scale**2 * scatter.swap().smallest_resolved())
        k_0, k_1 = (model.card.parameters[d] for model in (simpler, wider))
        return cls(rss_0, rss_1, scale, rounding, k_1 - k_0, n * d - k_1)

    @property
    def fall(self) -> np.ndarray:
        """``RSS_0 - RSS_1``, at least 0."""
        return np.maximum(self.rss_0 - self.rss_1, 0.0)

    @property
    def unresolved(self) -> np.ndarray:
        """Datasets that the wider model fits exactly, to rounding: bool (...)."""
        return self.rss_1 <= self.rounding


def steps(simpler: Model, wider: Model) -> tuple[int, int]:
    """Places of two nested models on the ladder; raises InputError when they do not stand there in this order."""
    first, second = rung(simpler.card.name), rung(wider.card.name)
    if first is None or second is None or first >= second:
        raise InputError(f"cannot test {simpler.card.name!r} against {wider.card.name!r}: give a simpler model and a wider one, "
                         f"in this order, of {' < '.join(step.name for step in LADDER)}")
    return first, second
