"""Covariances with which fiducials were localised, as formulas take them, and the linear algebra that all of them share."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..errors import InputError, UndeterminedError
from ..linalg import about, apply
from ..models import parse_model
from ..models.base import Estimator
from ..noise import Noise, parse_noise
from ..pair_covariances import PairCovariances
from ..pairs import FiducialPairs
from ..results import assumed_noise, given_covariances
from ..transforms import Transform


def checked_noise(noise: str | Noise) -> Noise:
    """A noise whose covariances are known, at least up to a scale, or an InputError."""
    parsed = parse_noise(noise)
    if parsed.shape == "full" or parsed.tails is not None:
        raise InputError(f"the noise is {parsed.describe()}, and this formula takes covariances that are known, at least up to a "
                         "scale: use 'both', 'target' or 'source', or a Noise with covariances")
    return parsed


def known_variant(noise: str | Noise) -> tuple[str, str]:
    """What sets a formula apart whose noise is known in full, in its name and in its label."""
    return ("", "") if parse_noise(noise).scale is None else ("-known-scale", " (noise known)")


def stated(pairs: FiducialPairs, noise: Noise, one_unit: bool) -> PairCovariances:
    """The covariances that pairs carry or a noise states, else isotropic ones of its ratio as seen in the target.

    Parameters
    ----------
    pairs : FiducialPairs
    noise : Noise
    one_unit : bool
        Whether both spaces have one unit, as a rigid model says; else the ratio of their spreads tells what the map magnifies.
    """
    given = given_covariances(pairs, assumed_noise(pairs, noise))
    if given is not None:
        return given
    share, eye = noise.source_share, np.eye(pairs.dimension)
    smaller = 1.0 if one_unit else _spread(pairs.source) / _spread(pairs.target)
    return PairCovariances(share * np.asarray(smaller)[..., None, None, None] * eye, (1.0 - share) * eye[None])


def estimator_of(pairs: FiducialPairs, model: str, noise: Noise) -> Estimator:
    """The model under given covariances, or an UndeterminedError for too few pairs."""
    estimator = parse_model(model).under(replace(Noise(scale=noise.scale), shape="given"))
    least = estimator.least_pairs(pairs.dimension)
    if pairs.n < least:
        raise UndeterminedError(f"{pairs.n} pairs are too few for the {model} model in {pairs.dimension}D, which needs {least}: "
                                f"add {least - pairs.n} more")
    return estimator


def added(given: PairCovariances, matrix: np.ndarray, kind: str) -> np.ndarray:
    """What a new point adds to the covariance of its prediction, localised as the mean fiducial: (..., 1, d, d)."""
    if kind == "tre":
        return np.zeros((*matrix.shape[:-2], 1, *matrix.shape[-2:]))
    noise = given.seen(matrix) if kind == "lre" else given.effective(matrix)
    return np.asarray(noise.mean(-3, keepdims=True))


def images(transform: Transform, points: np.ndarray) -> np.ndarray:
    """Where points (m, d) or (..., m, d) of the source land about the image of the centre of a map, (..., m, d)."""
    return apply(transform.matrix, points - transform.source_centre[..., None, :])


def inverse_of(information: np.ndarray) -> np.ndarray:
    """Inverses (..., p, p) in units in which the diagonals are 1; NaN where not finite or singular."""
    finite = np.isfinite(information).all((-2, -1))[..., None, None]
    size = np.einsum("...kk->...k", information)
    unit = 1.0 / np.sqrt(np.where(finite[..., 0] & (size > 0), size, 1.0))
    both = unit[..., :, None] * unit[..., None, :]
    even = np.where(finite, information * both, np.eye(information.shape[-1]))
    regular = (np.abs(np.linalg.det(even)) > 0)[..., None, None]
    return np.where(finite & regular, np.linalg.inv(np.where(regular, even, np.eye(information.shape[-1]))) * both, np.nan)


def _spread(points: np.ndarray) -> np.ndarray:
    centred = about(points, points.mean(-2))
    return np.asarray(np.einsum("...nd,...nd->...", centred, centred))
