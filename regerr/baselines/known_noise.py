"""Covariances with which fiducials were localised, as formulas take them: one for each pair and space, up to a scale or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..linalg import about, transpose
from ..noise import Noise
from ..pairs import FiducialPairs


@dataclass(frozen=True, eq=False)
class KnownNoise:
    """What is known of the noise of pairs (..., n, d).

    Attributes
    ----------
    source, target : (..., n, d, d)
        Omega_i and Lambda_i, each in squared units of its space; they may be broadcast.
    scale : float or None
        The covariances are these times ``scale^2``; None when the scale is estimated.
    """

    source: np.ndarray
    target: np.ndarray
    scale: float | None

    def effective(self, matrix: np.ndarray) -> np.ndarray:
        """``Sigma_i = Lambda_i + A Omega_i A'`` of linear parts (..., d, d), (..., n, d, d)."""
        return self.target + self.seen(matrix)

    def seen(self, matrix: np.ndarray) -> np.ndarray:
        """``A Omega_i A'``, the source's noise as seen in the target, (..., n, d, d)."""
        a = matrix[..., None, :, :]
        return np.asarray(a @ self.source @ transpose(a))

    def added(self, matrix: np.ndarray, kind: str) -> np.ndarray:
        """What a new point adds to the covariance of its prediction, localised as the mean fiducial: (..., 1, d, d)."""
        if kind == "tre":
            return np.zeros((*matrix.shape[:-2], 1, *matrix.shape[-2:]))
        noise = self.seen(matrix) if kind == "lre" else self.effective(matrix)
        return noise.mean(-3, keepdims=True)

    def part(self, rows: Any) -> KnownNoise:
        """The noise of some datasets of a flat batch."""
        return KnownNoise(self.source[rows], self.target[rows], self.scale)

    def flat(self) -> KnownNoise:
        """The same with one batch axis."""
        shape = self.source.shape[-3:]
        return KnownNoise(self.source.reshape(-1, *shape), self.target.reshape(-1, *shape), self.scale)


def known_noise(pairs: FiducialPairs, noise: Noise, one_unit: bool) -> KnownNoise:
    """The covariances that pairs carry, else those of a noise, else isotropic ones of its ratio as seen in the target.

    Parameters
    ----------
    pairs : FiducialPairs
    noise : Noise
        A space without covariances, while the other has some, is free of noise. Its ``scale`` says how many times the s.d. of
        these covariances the noise is; without covariances it is the effective s.d. per coordinate.
    one_unit : bool
        Whether both spaces have one unit, as a rigid model says; else the ratio of their spreads tells what the map magnifies.
    """
    given = [_first(pairs.source_covariance, noise.source_covariance), _first(pairs.target_covariance, noise.target_covariance)]
    shape = (*pairs.source.shape, pairs.dimension)
    if all(c is None for c in given):
        share, eye = noise.source_share, np.eye(pairs.dimension)
        smaller = 1.0 if one_unit else _spread(pairs.source) / _spread(pairs.target)
        given = [share * np.asarray(smaller)[..., None, None, None] * eye, (1.0 - share) * eye]
    return KnownNoise(_each(given[0], shape), _each(given[1], shape), noise.scale)


def _first(*candidates: Any) -> Any:
    return next((c for c in candidates if c is not None), None)


def _each(covariance: Any, shape: tuple[int, ...]) -> np.ndarray:
    """A variance, a matrix or one matrix for each pair as (..., n, d, d)."""
    c = np.zeros(()) if covariance is None else np.asarray(covariance, float)
    return np.broadcast_to(c * np.eye(shape[-1]) if c.ndim == 0 else c, shape)


def _spread(points: np.ndarray) -> np.ndarray:
    centred = about(points, points.mean(-2))
    return np.asarray(np.einsum("...nd,...nd->...", centred, centred))
