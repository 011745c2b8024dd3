"""Is it only noise? Tests of a simpler model of the transformation against a wider one that contains it (theory, section 7)."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc, fdtrc

from .errors import InputError, RegistrationWarning, UndeterminedError, UnsupportedError
from .models import Model, parse_model
from .nested import LADDER, rung
from .noise import Noise, parse_noise
from .pairs import FiducialPairs
from .results import RegistrationResult, fit
from .scatter import Scatter
from .wilks import least_log_determinant, log_determinant, rao


@dataclass(frozen=True, eq=False)
class Comparison:
    """A test of a simpler against a wider model, for one dataset or a batch (...).

    Attributes
    ----------
    models : (str, str)
        The null model and the wider one.
    noise : Noise
        What was assumed of the noise.
    statistic, p_value : (...)
        F and its p-value; NaN where there is no verdict.
    dof : (q, v)
        Degrees of freedom of F: parameters that the wider model has more, and residual ones; v is infinite with a known scale.
    exact : bool
        Whether the law of F is exact under the null; otherwise to first order in the noise over the spread of the fiducials.
    unresolved : (...) bool
        Datasets that the wider model fits exactly, to rounding: nothing is left to judge by.
    failure : (...) int
        One `Failure` code for each dataset.
    """

    models: tuple[str, str]
    noise: Noise
    statistic: np.ndarray
    p_value: np.ndarray
    dof: tuple[float, float]
    exact: bool
    unresolved: np.ndarray
    failure: np.ndarray

    @property
    def null(self) -> str:
        """The null hypothesis in words."""
        from .reporting.comparisons import null_hypothesis

        return null_hypothesis(self)

    @property
    def verdict(self) -> str:
        """What the test says, in one sentence; for a batch, how many of its datasets reject."""
        from .reporting.comparisons import comparison_verdict

        return comparison_verdict(self)

    def __str__(self) -> str:
        from .reporting.comparisons import comparison_report

        return comparison_report(self)


def compare_models(pairs: FiducialPairs, null: str | Model, wider: str | Model, noise: str | Noise = "both",
                   on_failure: str = "raise") -> Comparison:
    """Test whether the simpler of two nested models explains the pairs: rigid < similarity < affine.

    Isotropic noise: ``F = ((RSS_0 - RSS_1)/q) / (RSS_1/v)``, both sums in the metric that the null sets (`regerr.nested`).
    Noise of any covariance (affine alternative): Wilks' lambda with Rao's F (`regerr.wilks`).

    Parameters
    ----------
    pairs : FiducialPairs
        One dataset, or a batch (..., n, d).
    null, wider : {"rigid", "similarity", "affine"} or model objects
    noise : {"both", "target", "source", "full"} or Noise
    on_failure : {"raise", "mark"}
        What to do with layouts that leave a model undetermined.

    Raises
    ------
    InputError
        When the wider model does not contain the null.
    UnsupportedError, UndeterminedError
        As `regerr.fit` does for the wider model.
    """
    models = _nested(parse_model(null), parse_model(wider))
    assumed = parse_noise(noise)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RegistrationWarning)  # an exact fit is told in the verdict
        fitted = fit(pairs, models[1], assumed, on_failure)
        test = _full if assumed.shape == "full" else _isotropic
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            statistic, p_value, dof, unresolved = test(pairs, models, assumed, fitted)
    silent = unresolved | (fitted.failure > 0)
    return Comparison((models[0].card.name, models[1].card.name), assumed, np.where(silent, np.nan, statistic),
                      np.where(silent, np.nan, p_value), dof, _exact(models, assumed, pairs.dimension),
                      unresolved & (fitted.failure == 0), fitted.failure)


Tested = tuple[np.ndarray, np.ndarray, tuple[float, float], np.ndarray]


def _isotropic(pairs: FiducialPairs, models: tuple[Model, Model], noise: Noise, fitted: RegistrationResult) -> Tested:
    """Statistic, p-value, degrees of freedom and unresolved datasets, for noise known up to one scale."""
    first, second = _rungs(models)
    scatter = Scatter.of(pairs.source, pairs.target)
    share = noise.source_share
    scale = LADDER[first].scale(scatter, share)
    rss_0, rss_1 = (LADDER[i].rss(scatter, scale, share) for i in (first, second))
    q, v = _parameters(models, pairs.dimension), fitted.degrees_of_freedom
    rounding = np.maximum(scatter.smallest_resolved(), scale**2 * scatter.swap().smallest_resolved())
    fall = np.maximum(rss_0 - rss_1, 0.0) / q
    if noise.scale is not None:
        statistic = fall / noise.scale**2
        return statistic, chdtrc(q, q * statistic), (q, math.inf), np.zeros(rss_1.shape, bool)
    statistic = fall / (rss_1 / v)
    return statistic, fdtrc(q, v, statistic), (q, v), rss_1 < rounding


def _full(pairs: FiducialPairs, models: tuple[Model, Model], noise: Noise, fitted: RegistrationResult) -> Tested:
    """The same for noise of any covariance."""
    scatter = Scatter.of(pairs.source, pairs.target)
    n, d = scatter.n, scatter.dimension
    scaled = models[0].card.parameters[d] > d + d * (d - 1) // 2
    usable = fitted.failure == 0
    matrix = np.where(usable[..., None, None], fitted.transform.matrix, np.eye(d))
    log_q, within = log_determinant(scatter, matrix, noise.source_share)
    unresolved = np.linalg.eigvalsh(within)[..., 0] < scatter.smallest_resolved()
    log_q0 = np.full(log_q.shape, np.nan)
    ready = usable & ~unresolved
    if ready.any():
        log_q0[ready] = least_log_determinant(Scatter.of(pairs.source[ready], pairs.target[ready]), noise.source_share, scaled)
    q = _parameters(models, d)
    statistic, p_value, second = rao(np.maximum(log_q0 - log_q, 0.0), d, q, n - models[1].card.parameters[d] / d)
    return statistic, p_value, (q, second), unresolved


def _nested(null: Model, wider: Model) -> tuple[Model, Model]:
    """The two models, when the ladder holds both in this order."""
    first, second = rung(null.card.name), rung(wider.card.name)
    if first is None or second is None or first >= second:
        raise InputError(f"cannot test {null.card.name!r} against {wider.card.name!r}: give a simpler model and a wider one, in "
                         f"this order, of {' < '.join(step.name for step in LADDER)}")
    return null, wider


def _rungs(models: tuple[Model, Model]) -> tuple[int, int]:
    first, second = (rung(model.card.name) for model in models)
    assert first is not None and second is not None
    return first, second


def _parameters(models: tuple[Model, Model], dimension: int) -> int:
    """How many parameters the wider model has more."""
    return models[1].card.parameters[dimension] - models[0].card.parameters[dimension]


def _exact(models: tuple[Model, Model], noise: Noise, dimension: int) -> bool:
    """Whether both models are linear, seen from the one noisy space: then F is exact."""
    one_space = Noise(0.0, noise.shape, noise.scale) if noise.ratio in (0.0, math.inf) else noise
    return noise.shape == "isotropic" and all(model.under(one_space).linear(dimension) for model in models)



@dataclass(frozen=True, eq=False)
class Ladder:
    """All comparisons of rigid < similarity < affine that one dataset allows.

    Attributes
    ----------
    comparisons : tuple of Comparison
    skipped : tuple of str
        Why other comparisons were not possible, one sentence each.
    """

    comparisons: tuple[Comparison, ...]
    skipped: tuple[str, ...]

    @property
    def simplest(self) -> str | None:
        """The simplest model that no comparison rejects at 5 %; None without a verdict."""
        from .reporting.comparisons import REJECTED

        told = [c for c in self.comparisons if not np.isnan(c.p_value)]
        if not told:
            return None
        rejected = {c.models[0] for c in told if c.p_value < REJECTED}
        return next(step.name for step in LADDER if step.name not in rejected)

    def __str__(self) -> str:
        from .reporting.comparisons import ladder_report

        return ladder_report(self)


def compare_ladder(pairs: FiducialPairs, noise: str | Noise = "both") -> Ladder:
    """Rigid against similarity, similarity against affine, rigid against affine, for one dataset.

    A comparison that the pairs or the noise do not allow is skipped, with its reason.

    Raises
    ------
    InputError
        For a batch, and for an unknown noise.
    """
    if pairs.batch_shape:
        raise InputError(f"these are a batch of shape {pairs.batch_shape}: test pairs[i], or compare_models for all at once")
    assumed = parse_noise(noise)
    found: list[Comparison] = []
    skipped: list[str] = []
    for i, j in ((0, 1), (1, 2), (0, 2)):
        try:
            found.append(compare_models(pairs, LADDER[i].name, LADDER[j].name, assumed))
        except (UndeterminedError, UnsupportedError) as fault:
            skipped.append(f"Not tested, {LADDER[i].name} against {LADDER[j].name}: {fault}")
    return Ladder(tuple(found), tuple(skipped))
