"""A given transformation tested against landmarks: nothing is fitted, so nothing flatters.

At the true transformation the residuals ``r = y - T(x)`` are pure noise, independent of the latent points (theory, section 1).
So their mean and their regression on the latent points are tested by exact laws: Hotelling's for a shift, F for what a model
could still mend. Landmarks that the transformation was computed from make it look better than it is; no test sees that, unless
the noise is known and the residuals are smaller than it allows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import chdtr, chdtrc, fdtrc

from .errors import InputError
from .linalg import gram
from .models import parse_model
from .noise import Noise, parse_noise
from .pairs import FiducialPairs
from .tangent import gradient
from .transforms import Transform

if TYPE_CHECKING:
    from .models import Model


@dataclass(frozen=True)
class LinearTest:
    """A test whose statistic follows F: statistic, degrees of freedom, p-value; NaN without a verdict."""

    statistic: float
    dof: tuple[float, float]
    p_value: float


@dataclass(frozen=True, eq=False)
class TransformCheck:
    """What landmarks say of a given transformation.

    Attributes
    ----------
    pairs : FiducialPairs
        One dataset.
    transform : Transform
    residuals : (n, d)
        ``target - transform(source)``, target units.
    shift : LinearTest
        That their mean is zero: Hotelling's T squared as F, any covariance; needs more landmarks than dimensions.
    model : str
    correction : LinearTest
        That, apart from a shift, no transformation of the model after the given one would fit better than chance allows.
    mended : Transform
        That transformation: the given one with the correction that fits best; the given one where there are too few landmarks.
    fle : float or None
        Known r.m.s. FLE of a pair, target units.
    too_large, too_small : float
        Chance of residuals as large, or as small, under that FLE; NaN when it is not known.
    """

    pairs: FiducialPairs
    transform: Transform
    residuals: np.ndarray
    shift: LinearTest
    model: str
    correction: LinearTest
    mended: Transform
    fle: float | None
    too_large: float
    too_small: float

    @property
    def p_value(self) -> float:
        """Of both tests together, by Bonferroni; NaN when neither has a verdict."""
        told = [p for p in (self.shift.p_value, self.correction.p_value) if not math.isnan(p)]
        return min(1.0, len(told) * min(told)) if told else math.nan

    @property
    def doubtful(self) -> bool:
        """Whether the landmarks contradict the transformation, or what is known of their noise, at 5 %."""
        return any(p < 0.05 for p in (self.p_value, self.too_large, self.too_small))

    @property
    def fre_rms(self) -> float:
        """R.m.s. length of the residuals; the landmarks were not fitted, so no degrees of freedom are lost."""
        return float(np.sqrt((self.residuals**2).sum(-1).mean()))

    @property
    def mean_shift(self) -> np.ndarray:
        """Mean residual (d,), target units."""
        return np.asarray(self.residuals.mean(0))

    @property
    def shift_sd(self) -> np.ndarray:
        """Its s.d. (d,); NaN for one landmark."""
        n = len(self.residuals)
        return np.asarray(self.residuals.std(0, ddof=1) / math.sqrt(n)) if n > 1 else np.full(self.residuals.shape[1], np.nan)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        from .records import plain

        def test(one: LinearTest) -> dict[str, Any]:
            return {"statistic": one.statistic, "degrees_of_freedom": list(one.dof), "p_value": one.p_value}

        return dict(plain({
            "n": self.pairs.n, "unit": self.pairs.target_unit, "matrix": self.transform.matrix, "offset": self.transform.offset,
            "fre_rms": self.fre_rms, "names": list(self.pairs.names), "residuals": self.residuals, "mean_shift": self.mean_shift,
            "shift_sd": self.shift_sd, "p_value": self.p_value, "shift": test(self.shift), "model": self.model,
            "correction": test(self.correction),
            "fle": self.fle, "p_too_large": self.too_large, "p_too_small": self.too_small}))

    def __str__(self) -> str:
        from .reporting.given import given_report

        return given_report(self)


def check_transform(pairs: FiducialPairs, transform: Transform, model: str | Model = "similarity", noise: str | Noise = "both",
                    fle: float | None = None) -> TransformCheck:
    """Test a given transformation against landmarks that were not used to compute it.

    Parameters
    ----------
    pairs : FiducialPairs
        One dataset; a single landmark will do when the FLE is known.
    transform : Transform
        Source to target.
    model : {"rigid", "similarity", "affine"} or a model object
        What kind of mistake to look for, beside a shift.
    noise : {"both", "target", "source"} or Noise
        Where the landmarks are noisy.
    fle : float, optional
        Known r.m.s. FLE of a pair, a length in target units (``sqrt(d)`` times the s.d. per coordinate).

    Raises
    ------
    InputError
        For a batch, a transformation of another dimension or of a batch, and an FLE that is not positive.
    """
    chosen, assumed = parse_model(model), parse_noise(noise)
    _check(pairs, transform, fle)
    d = pairs.dimension
    residuals = pairs.target - transform.apply(pairs.source)
    white, latent = _whitened(transform.matrix, residuals, assumed.source_share)
    correction, mended = _correction(pairs, transform, chosen, residuals, white, latent)
    squared = float(((residuals @ white.T) ** 2).sum())
    known = (math.nan, math.nan) if fle is None else tuple(
        float(tail(len(residuals) * d, squared / (fle**2 / d))) for tail in (chdtrc, chdtr))
    return TransformCheck(pairs, transform, residuals, _hotelling(residuals), chosen.card.name, correction, mended, fle, *known)


def _check(pairs: FiducialPairs, transform: Transform, fle: float | None) -> None:
    if pairs.batch_shape:
        raise InputError(f"these are pairs of a batch of shape {pairs.batch_shape}: check one dataset, pairs[i]")
    if transform.matrix.shape != (pairs.dimension, pairs.dimension):
        raise InputError(f"the transformation has a matrix of shape {transform.matrix.shape} and the landmarks are "
                         f"{pairs.dimension}D: give one matrix of their dimension")
    if not np.isfinite(transform.homogeneous).all():
        raise InputError("the transformation holds NaN or infinity: give finite numbers")
    if fle is not None and not (fle > 0 and math.isfinite(fle)):
        raise InputError(f"the FLE is {fle}: give a positive length in target units")


def _whitened(matrix: np.ndarray, residuals: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """W with isotropic ``W r`` of mean variance one, and what the residuals add to the latent points."""
    d = len(matrix)
    stretched = matrix @ matrix.T
    size = np.trace(stretched) / d
    if not size > 0:
        raise InputError("the transformation takes all points to one: give one with an inverse")
    source = share * stretched / size
    covariance = (1.0 - share) * np.eye(d) + source
    try:
        white = np.linalg.inv(np.linalg.cholesky(covariance))
    except np.linalg.LinAlgError:
        raise InputError("the transformation has no inverse, so noise in the source is not seen in the target: give one with an "
                         "inverse, or noise='target'") from None
    return white, residuals @ (source @ white.T @ white).T


def _hotelling(residuals: np.ndarray) -> LinearTest:
    """``n m' S^-1 m (n - d)/(d (n - 1)) ~ F_{d, n-d}`` of the mean m."""
    n, d = residuals.shape
    dof = (float(d), float(n - d))
    if n <= d:
        return LinearTest(math.nan, dof, math.nan)
    mean = residuals.mean(0)
    scatter = gram(residuals - mean, residuals - mean)
    if np.linalg.matrix_rank(scatter) < d:
        return LinearTest(math.nan, dof, math.nan)
    statistic = float(n * mean @ np.linalg.solve(scatter, mean)) * (n - d) / d
    return LinearTest(statistic, dof, float(fdtrc(*dof, statistic)))


def _correction(pairs: FiducialPairs, transform: Transform, model: Model, residuals: np.ndarray, white: np.ndarray,
                added: np.ndarray) -> tuple[LinearTest, Transform]:
    """Regression of the residuals on what the model could still move, ``[I, D_k eta]``, in the metric of the noise.

    The moves ``D_k eta`` are centred, so what they mend is apart from a shift.
    """
    n, d = residuals.shape
    k = model.card.parameters[d]
    dof = (float(k - d), float(n * d - k))
    mapped = transform.apply(pairs.source)
    eta = mapped + added
    centre = eta.mean(0)
    design, seen = (white @ gradient(model.card.moves(d), eta - centre)).reshape(n * d, k), (residuals @ white.T).ravel()
    found, _, rank, _ = np.linalg.lstsq(design, seen, rcond=None)
    if n * d <= k or rank < k:
        return LinearTest(math.nan, dof, math.nan), transform
    alone = ((residuals - residuals.mean(0)) @ white.T).ravel()
    left, unmoved = float(((seen - design @ found) ** 2).sum()), float((alone**2).sum())
    change = model.card.moved(found[d:])
    mended = Transform(change @ transform.matrix, transform.source_centre,
                       centre + found[:d] + change @ (transform.target_centre - centre))
    if left <= (64 * np.finfo(float).eps * np.abs(mapped).max()) ** 2 * n * d:
        return LinearTest(math.nan, dof, math.nan), mended
    statistic = (unmoved - left) / dof[0] / (left / dof[1])
    return LinearTest(statistic, dof, float(fdtrc(*dof, statistic))), mended
