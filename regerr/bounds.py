"""The least covariance that any unbiased registration can have: the Cramer-Rao bound at a target.

With noise in both spaces the true source positions are nuisance parameters. Eliminating them leaves the information
``sum G_i' (Lambda_i + A Omega_i A')^-1 G_i`` with ``G_i`` at the TRUE source points (theory, section 8); an unknown common scale
of the noise changes nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import InputError
from .linalg import apply, symmetrised, transpose
from .models import Model, parse_model
from .noise import check_covariance, checked_covariance
from .pair_covariances import PairCovariances
from .tangent import gradient
from .transforms import Transform


def cramer_rao(model: str | Model, true_source: Any, transform: Transform, source_variance: Any, target_variance: Any,
               targets: Any) -> np.ndarray:
    """Cramer-Rao bound of the image of targets, kind ``tre``.

    Parameters
    ----------
    model : {"rigid", "similarity", "affine"} or a model object
        The family that is known to hold the truth.
    true_source : (..., n, d)
        True positions of the fiducials in the source.
    transform : Transform
        The true transformation, a member of the family.
    source_variance, target_variance : float, (d, d) or (..., n, d, d)
        Localisation noise of the fiducials: a variance per coordinate, or covariances, in squared units of each space. At
        least one is above zero.
    targets : (..., m, d)
        True positions of the targets in the source.

    Returns
    -------
    bound : (..., m, d, d)
        Target units squared: no unbiased estimate of ``T(x)`` has a smaller covariance.
    """
    x, z = np.asarray(true_source, float), np.asarray(targets, float)
    centre = x.mean(-2)
    moves = parse_model(model).card.moves(x.shape[-1])
    noise = PairCovariances(_covariance("source_variance", source_variance, x.shape),
                            _covariance("target_variance", target_variance, x.shape))
    precision = np.linalg.inv(noise.effective(transform.matrix))
    g = gradient(moves, apply(transform.matrix, x - centre[..., None, :]))
    information = transpose(_stacked(g)) @ _stacked(precision @ g)
    h = gradient(moves, apply(transform.matrix, z - centre[..., None, :]))
    inverse = np.linalg.inv(information)[..., None, :, :]
    return symmetrised(h @ inverse @ transpose(h))


def _stacked(blocks: np.ndarray) -> np.ndarray:
    """Blocks (..., n, d, q) below each other: (..., n d, q)."""
    return blocks.reshape(*blocks.shape[:-3], -1, blocks.shape[-1])


def _covariance(name: str, value: Any, shape: tuple[int, ...]) -> np.ndarray:
    """A variance or covariances as (..., n or 1, d, d)."""
    d = shape[-1]
    c = np.asarray(value, float)
    if c.ndim == 0:
        return checked_covariance(name, c) * np.eye(d)[None]
    if c.shape[-2:] != (d, d) or (c.ndim > 2 and c.shape[-3] != shape[-2]):
        raise InputError(f"{name} has shape {c.shape} for points {shape}: give a number, ({d}, {d}) or ({shape[-2]}, {d}, {d})")
    return check_covariance(name, c)[..., None, :, :] if c.ndim == 2 else check_covariance(name, c)
