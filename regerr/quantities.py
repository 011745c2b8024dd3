"""A fitted transformation in quantities that a person can check by eye, each with its s.d. (theory, sections 4 and 18).

Everything is a smooth function of the linear part A, so one covariance of A and one gradient per quantity are enough (the
delta method): rotation by the polar decomposition, scale by the determinant, stretch and shear by the images of the axes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from .linalg import outer, trace, transpose
from .predictions import Prediction
from .tangent import turns

if TYPE_CHECKING:
    from .results import RegistrationResult

_AXES = "xyz"
_FREE = 1e-6  # share of the rotation's variation below which a model holds a quantity fixed
_DEGREES = 180.0 / np.pi


@dataclass(frozen=True, eq=False)
class Quantity:
    """One readable quantity of a transformation.

    Attributes
    ----------
    name : str
    value, sd : (...)
        Value and s.d., in ``unit``; the s.d. is infinite where the fiducials do not bound it, NaN for a failed dataset.
    unit : str
        Empty for a pure number.
    definition : str
        What it is, in one phrase.
    """

    name: str
    value: np.ndarray
    sd: np.ndarray
    unit: str
    definition: str


@dataclass(frozen=True, eq=False)
class _Function:
    """A function of the linear part: its value (...) and its gradient (..., d, d)."""

    name: str
    value: np.ndarray
    gradient: np.ndarray
    unit: str
    definition: str

    def sd(self, covariance: np.ndarray) -> np.ndarray:
        """By the delta method from a covariance (..., d, d, d, d) of A; infinite where that is not finite."""
        bounded = np.isfinite(covariance).all((-4, -3, -2, -1))
        finite = np.where(bounded[..., None, None, None, None], covariance, 0.0)
        variance = np.einsum("...ij,...ijkl,...kl->...", self.gradient, finite, self.gradient)
        return np.where(bounded, np.sqrt(np.maximum(variance, 0.0)), np.inf)


def quantities(result: RegistrationResult) -> tuple[Quantity, ...]:
    """Rotation; scale, stretch and shear as far as the model leaves them free; the image of the fiducials' centroid.

    Angles are in degrees, scales in target units per source unit. A transformation that mirrors is described after the last
    axis of the source was flipped (see `mirrored`).
    """
    covariance = matrix_covariance(result)
    failed = result.failure > 0
    found = [Quantity(f.name, f.value, np.where(failed, np.nan, f.sd(covariance)), f.unit, f.definition)
             for f in _functions(result)]
    return (*found, *_centroid(result))


def mirrored(result: RegistrationResult) -> np.ndarray:
    """Whether the transformation mirrors, (...): the determinant of A is negative."""
    return np.asarray(np.linalg.det(result.transform.matrix) < 0)


def matrix_covariance(result: RegistrationResult) -> np.ndarray:
    """First-order covariance of the linear part, ``[..., i, j, k, l] = Cov(A_ij, A_kl)``; not finite where unbounded."""
    return _with_noise(result, result.noise_covariance)


# The covariance of A follows from that of the predictions: Cov(A dx) is what the TRE at x has over that of the centroid


def _with_noise(result: RegistrationResult, noise: np.ndarray) -> np.ndarray:
    """The covariance of A under a noise of covariance (..., d, d)."""
    d = result.pairs.dimension
    turning = len(turns(d))
    free = result.model.card.parameters[d] - d
    failed = result.failure[..., None, None] > 0
    matrix = np.where(failed, np.eye(d), result.transform.matrix)
    spreads = _spreads(result, matrix)
    if free > turning + 1:
        return _by_rows_and_columns(spreads, matrix, noise)
    return _by_turning(spreads, matrix, turns(d) if free == turning else np.concatenate([turns(d), np.eye(d)[None]]), noise)


def _spreads(result: RegistrationResult, matrix: np.ndarray) -> np.ndarray:
    """For unit noise the bilinear form (..., j, l, d, d) whose value at v = A dx is ``Cov(A dx)``, in the frame of the target."""
    d, fitted = result.pairs.dimension, result.fitted
    steps = np.concatenate([np.eye(d), [np.eye(d)[j] + np.eye(d)[k] for j, k in combinations(range(d), 2)]])
    size = np.sqrt(np.einsum("...nd,...nd->...", result.pairs.target - fitted.y_mean[..., None, :],
                             result.pairs.target - fitted.y_mean[..., None, :]) / result.pairs.n)[..., None, None]
    targets = fitted.x_mean[..., None, :] + size * steps @ transpose(np.linalg.inv(matrix))
    unit = replace(fitted, noise_covariance=np.broadcast_to(np.eye(d), fitted.noise_covariance.shape))
    with np.errstate(invalid="ignore"):
        covariance = Prediction(result.estimator, unit, targets, "tre", "").covariance - np.eye(d) / result.pairs.n
        covariance = covariance / size[..., None] ** 2
        out = np.empty((*covariance.shape[:-3], d, d, d, d))
        for j in range(d):
            out[..., j, j, :, :] = covariance[..., j, :, :]
        for i, (j, k) in enumerate(combinations(range(d), 2)):
            mixed = covariance[..., d + i, :, :] - covariance[..., j, :, :] - covariance[..., k, :, :]
            out[..., j, k, :, :] = out[..., k, j, :, :] = 0.5 * mixed
    return out


def _by_rows_and_columns(spreads: np.ndarray, matrix: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """``Cov(A_ij, A_kl) = Sigma_ik P_jl`` (theory, section 18): all of A is free."""
    seen = trace(spreads) / matrix.shape[-1]
    with np.errstate(invalid="ignore"):
        precision = transpose(matrix) @ seen @ matrix
        return noise[..., :, None, :, None] * precision[..., None, :, None, :]


def _by_turning(spreads: np.ndarray, matrix: np.ndarray, moves: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """``dA = sum_k w_k B_k A`` with ``Cov(w)`` from ``Cov(A dx) = sum_kl Cov(w_k, w_l) (B_k v)(B_l v)'``."""
    count = len(moves)
    pairs = [(a, b) for a in range(count) for b in range(a, count)]
    forms = np.array([_symmetric(np.einsum("ij,kl->jlik", moves[a], moves[b])) for a, b in pairs])
    forms *= np.array([1.0 if a == b else 2.0 for a, b in pairs])[:, None, None, None, None]
    solved = spreads.reshape(*spreads.shape[:-4], -1) @ np.linalg.pinv(forms.reshape(len(pairs), -1))
    covariance = np.empty((*solved.shape[:-1], count, count))
    for i, (a, b) in enumerate(pairs):
        covariance[..., a, b] = covariance[..., b, a] = solved[..., i]
    directions = moves @ matrix[..., None, :, :]
    return np.einsum("...,...kij,...kl,...lmn->...ijmn", noise[..., 0, 0], directions, covariance, directions)


def _symmetric(form: np.ndarray) -> np.ndarray:
    """What predictions show of a bilinear form (j, l, i, k): its part that both exchanges leave alone."""
    both = form + np.transpose(form, (0, 1, 3, 2))
    return 0.25 * (both + np.transpose(both, (1, 0, 2, 3)))


# Functions of A


def _functions(result: RegistrationResult) -> list[_Function]:
    """All that the model leaves free; the others have no variation."""
    source, target = result.pairs.source_unit, result.pairs.target_unit
    unit = "" if source == target else f"{target} per {source}"
    matrix = np.where(result.failure[..., None, None] > 0, np.eye(result.pairs.dimension), result.transform.matrix)
    rotation, scale, shears = _rotation(matrix), _scale(matrix, unit), _shears(matrix)
    if _free(shears[0], result):
        return [*rotation, scale, *_axis_scales(matrix, unit), *shears, *_stretches(matrix, unit)]
    return [*rotation, scale] if _free(scale, result) else rotation


def _free(function: _Function, result: RegistrationResult) -> bool:
    """Whether the model lets a quantity vary: its share of the variation of a fit with unit noise."""
    d = result.pairs.dimension
    pattern = np.where(result.failure == 0, 1.0, 0.0)[..., None, None] * np.eye(d)
    covariance = _with_noise(result, pattern)
    usable = np.where(np.isfinite(covariance), covariance, 0.0)
    size = np.sqrt(np.einsum("...ij,...ij->...", function.gradient, function.gradient)
                   * np.einsum("...ijij->...", usable))
    unbounded = (~np.isfinite(covariance).all((-4, -3, -2, -1)) & (result.failure == 0)).any()
    return bool(unbounded or (function.sd(usable) > _FREE * size).any())


def _rotation(matrix: np.ndarray) -> list[_Function]:
    """The angle, in 3D also the rotation vector about the axes of the target."""
    flip = _flip(matrix)
    turn, stretch = _polar(matrix * flip[..., None, :])
    if matrix.shape[-1] == 2:
        angle = np.arctan2(turn[..., 1, 0], turn[..., 0, 0])
        gradient = _turn_gradients(turn, stretch)[..., 0, :, :] * flip[..., None, :]
        return [_angle("rotation", angle, gradient, "angle from the x towards the y axis")]
    vector = _rotation_vector(turn)
    gradients = np.einsum("...mk,...kij->...mij", _left_jacobian_inverse(vector), _turn_gradients(turn, stretch))
    gradients = gradients * flip[..., None, None, :]
    angle = np.linalg.norm(vector, axis=-1)
    with np.errstate(invalid="ignore"):
        axis = np.where(angle[..., None] > 0, vector / angle[..., None], 1.0 / np.sqrt(3.0))
    about_axis = np.einsum("...m,...mij->...ij", axis, gradients)
    parts = [_angle(f"rotation about {_AXES[m]}", vector[..., m], gradients[..., m, :, :],
                    f"{_AXES[m]} component of the rotation vector") for m in range(3)]
    return [_angle("rotation", angle, about_axis, "angle about the axis of the rotation vector"), *parts]


def _scale(matrix: np.ndarray, unit: str) -> _Function:
    d = matrix.shape[-1]
    value = np.abs(np.linalg.det(matrix)) ** (1.0 / d)
    gradient = value[..., None, None] / d * transpose(np.linalg.inv(matrix))
    ratio = {2: "square root of the ratio of areas", 3: "cube root of the ratio of volumes"}[d]
    return _Function("scale", value, gradient, unit, ratio)


def _axis_scales(matrix: np.ndarray, unit: str) -> list[_Function]:
    """Lengths of the images of the source's axes."""
    d = matrix.shape[-1]
    lengths = np.linalg.norm(matrix, axis=-2)
    directions = matrix / lengths[..., None, :]
    return [_Function(f"scale along {_AXES[j]}", lengths[..., j], _column(directions[..., j], j, d), unit,
                      f"length of the image of a unit step along {_AXES[j]} of the source") for j in range(d)]


def _shears(matrix: np.ndarray) -> list[_Function]:
    """How far the images of two axes of the source are from a right angle."""
    return [_shear(matrix, j, k) for j, k in combinations(range(matrix.shape[-1]), 2)]


def _shear(matrix: np.ndarray, j: int, k: int) -> _Function:
    d = matrix.shape[-1]
    lengths = np.linalg.norm(matrix, axis=-2)
    a, b = (matrix[..., i] / lengths[..., i, None] for i in (j, k))
    cosine = (a * b).sum(-1)
    gradient = (_column((b - cosine[..., None] * a) / lengths[..., j, None], j, d)
                + _column((a - cosine[..., None] * b) / lengths[..., k, None], k, d))
    gradient = gradient / np.sqrt(np.maximum(1.0 - cosine**2, np.finfo(float).tiny))[..., None, None]
    return _angle(f"shear {_AXES[j]}{_AXES[k]}", np.arcsin(np.clip(cosine, -1.0, 1.0)), gradient,
                  f"90 degrees minus the angle between the images of the {_AXES[j]} and {_AXES[k]} axes of the source")


def _stretches(matrix: np.ndarray, unit: str) -> list[_Function]:
    """Largest and smallest singular value; ``d s_k = u_k' dA v_k``."""
    u, s, vt = np.linalg.svd(matrix)
    return [_Function(f"{which} stretch", s[..., k], outer(u[..., k], vt[..., k, :]), unit,
                      f"scale along the direction that is stretched {most}")
            for which, k, most in (("largest", 0, "most"), ("smallest", -1, "least"))]


def _centroid(result: RegistrationResult) -> list[Quantity]:
    """The image of the fiducials' centroid: the translation that does not depend on where the origin lies."""
    variances = np.einsum("...ii->...i", result.noise_covariance) / result.pairs.n
    return [Quantity(f"centroid {_AXES[j]}", result.fitted.y_mean[..., j], np.sqrt(variances[..., j]), result.pairs.target_unit,
                     f"{_AXES[j]} of the image of the fiducials' centroid") for j in range(result.pairs.dimension)]


# Pieces


def _angle(name: str, radians: np.ndarray, gradient: np.ndarray, definition: str) -> _Function:
    return _Function(name, radians * _DEGREES, gradient * _DEGREES, "deg", definition)


def _column(vector: np.ndarray, j: int, d: int) -> np.ndarray:
    """A matrix (..., d, d) with one column filled."""
    return outer(vector, np.eye(d)[j])


def _flip(matrix: np.ndarray) -> np.ndarray:
    """Signs (..., d) of the source's axes that make the determinant positive."""
    sign = np.ones(matrix.shape[:-1])
    sign[..., -1] = np.where(np.linalg.det(matrix) < 0, -1.0, 1.0)
    return sign


def _polar(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``A = R P`` with a rotation R and a positive P."""
    u, s, vt = np.linalg.svd(matrix)
    return u @ vt, (transpose(vt) * s[..., None, :]) @ vt


def _turn_gradients(turn: np.ndarray, stretch: np.ndarray) -> np.ndarray:
    """Gradients (..., k, d, d) of the small rotation ``dR = [w]_x R``, in the target's frame.

    With ``M = R'dA``: ``M - M' = W P + P W``, so ``(tr P I - P) w = sum_ab turns_ab M_ab`` in the frame of the source.
    """
    generators = turns(turn.shape[-1])
    moments = turn[..., None, :, :] @ generators
    if len(generators) == 1:
        return moments / trace(stretch)[..., None, None, None]
    inertia = trace(stretch)[..., None, None] * np.eye(3) - stretch
    return np.einsum("...mk,...kij->...mij", turn @ np.linalg.inv(inertia), moments)


def _rotation_vector(rotation: np.ndarray) -> np.ndarray:
    """Axis times angle (..., 3), radians."""
    from scipy.spatial.transform import Rotation

    return np.asarray(Rotation.from_matrix(rotation.reshape(-1, 3, 3)).as_rotvec()).reshape(rotation.shape[:-1])


def _left_jacobian_inverse(vector: np.ndarray) -> np.ndarray:
    """``d vector = J^-1 w`` for ``R -> exp([w]_x) R``: (..., 3, 3)."""
    angle = np.linalg.norm(vector, axis=-1)[..., None, None]
    half = 0.5 * angle
    with np.errstate(divide="ignore", invalid="ignore"):
        shrink = np.where(angle > 1e-4, (1.0 - half / np.tan(half)) / angle**2, 1.0 / 12.0)
    cross = np.einsum("...k,kij->...ij", vector, turns(3))
    return np.eye(3) - 0.5 * cross + shrink * (cross @ cross)
