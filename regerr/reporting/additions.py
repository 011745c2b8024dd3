"""Registrations beside the one that is told of: with one more fiducial, or of the same pairs in another way."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..blocks import fit_blocks
from ..linalg import trace
from ..models import Model
from ..noise import Noise
from ..pairs import FiducialPairs
from ..results import RegistrationResult, given_covariances


def with_one_more(result: RegistrationResult, new: np.ndarray) -> RegistrationResult:
    """A batch (k,) of one registration with one of k new fiducials (k, d) each, source units; failures are codes.

    A new fiducial has the noise of all others, or where these came with covariances that of the `typical` one.
    """
    pairs, noise = result.pairs, result.noise
    given, rows = given_covariances(pairs, noise), np.append(np.arange(pairs.n), typical(result) or 0)
    carried = {}
    if given is not None:
        shape = (pairs.n, *result.noise_covariance.shape)
        spaces = {"source_covariance": given.source, "target_covariance": given.target}
        carried = {name: np.broadcast_to(c, shape)[rows] for name, c in spaces.items() if c.any()}
        noise = replace(noise, source_covariance=None, target_covariance=None)
    joined = FiducialPairs(_with(pairs.source, new), _with(pairs.target, result.transform.apply(new)),
                           source_unit=pairs.source_unit, target_unit=pairs.target_unit, **carried)
    return refitted(joined, result.model, noise)


def refitted(pairs: FiducialPairs, model: Model, noise: Noise) -> RegistrationResult:
    """As `regerr.fit` does, of pairs that were looked at before: nothing suspicious is sought again, and failures are codes.

    Raises
    ------
    UnsupportedError
        For a noise that the model does not know.
    """
    estimator = model.under(noise)
    return RegistrationResult(pairs, model, estimator,
                              fit_blocks(estimator, pairs.source, pairs.target, given_covariances(pairs, noise)))


def typical(result: RegistrationResult) -> int | None:
    """The fiducial of median noise, as seen in the target, of one dataset; None where all are alike."""
    given = given_covariances(result.pairs, result.noise)
    variance = np.zeros(1) if given is None else trace(given.effective(result.fitted.matrix))
    return int(np.argsort(variance, kind="stable")[(len(variance) - 1) // 2]) if np.ptp(variance) > 0 else None


def noise_level(result: RegistrationResult) -> np.ndarray:
    """R.m.s. noise of a fiducial, (...), by which fits compare: over that of given covariances where there are any."""
    given, size = given_covariances(result.pairs, result.noise), trace(result.noise_covariance)
    return np.sqrt(size if given is None else size / trace(given.effective(result.fitted.matrix)).mean(-1))


def _with(points: np.ndarray, new: np.ndarray) -> np.ndarray:
    """A batch (k, n + 1, d) with one more point each."""
    return np.concatenate([np.broadcast_to(points, (len(new), *points.shape)), new[:, None]], -2)
