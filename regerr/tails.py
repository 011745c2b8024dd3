"""Whether some residuals are too large for noise that is Gaussian and alike for all fiducials."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from .blocks import fit_blocks
from .errors import RegistrationWarning

if TYPE_CHECKING:
    from .results import RegistrationResult

_DRAWS = 999
_NUMBERS = 4_000_000  # coordinates that are drawn at most
_SEED = 20261124
_FEWEST = 5  # pairs beyond the fewest that the model needs


def kurtosis(residuals: np.ndarray) -> np.ndarray:
    """``n sum |r|^4 / (sum |r|^2)^2`` of residuals (..., n, d): (...), whatever their size."""
    squares = np.einsum("...nd,...nd->...n", residuals, residuals)
    return np.asarray(squares.shape[-1] * (squares**2).sum(-1) / squares.sum(-1) ** 2)


def tails_p_value(result: RegistrationResult) -> float:
    """How often Gaussian noise would give residuals of so large a kurtosis, for one dataset.

    Pairs are simulated about the fit and fitted again, so leverage and degrees of freedom are allowed for. NaN where a free
    covariance or given ones make residuals unequal, for an exact fit, and for few pairs.
    """
    pairs, estimator = result.pairs, result.estimator
    n, d = pairs.n, pairs.dimension
    if result.noise.shape != "isotropic" or estimator.exact(result.fitted) or n < estimator.least_pairs(d) + _FEWEST:
        return float("nan")
    draws = max(1, min(_DRAWS, _NUMBERS // (n * d)))
    source, target = _simulated(result, draws)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RegistrationWarning)
        again = fit_blocks(estimator, source, target)
    drawn = kurtosis(target - again.transform.apply(source))
    larger = np.count_nonzero(~(drawn < kurtosis(result.residuals)))
    return (larger + 1.0) / (draws + 1.0)


def _simulated(result: RegistrationResult, draws: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (draws, n, d) about the fit: noise of the size found, shared between the spaces as assumed."""
    rng = np.random.default_rng(_SEED)
    share, d = result.noise.source_share, result.pairs.dimension
    sd = np.sqrt(np.trace(result.noise_covariance) / d)
    scale = np.abs(np.linalg.det(result.transform.matrix)) ** (1.0 / d)
    noise = sd * rng.standard_normal((2, draws, *result.pairs.source.shape))
    source = result.pairs.source + np.sqrt(share) / scale * noise[0]
    return source, result.transform.apply(result.pairs.source) + np.sqrt(1.0 - share) * noise[1]
